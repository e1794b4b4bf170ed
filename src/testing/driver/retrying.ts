import type { Driver } from "../../databank/driver.js";

const MAX_ATTEMPTS = 6;

/** Makes a call again when it lost a deadlock or a race, as often as the databank does. */
export async function retrying<T>(driver: Driver, call: () => Promise<T>, attempt = 1): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (attempt >= MAX_ATTEMPTS || driver.retry?.(error) !== "whole") throw error;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt));
    return retrying(driver, call, attempt + 1);
  }
}
