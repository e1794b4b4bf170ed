const DAY_MS = 86_400_000;

const padded = (count: number, digits: number) =>
  Array.from({ length: count }, (_, i) => String(i).padStart(digits, "0"));
const TWO = padded(60, 2);
const THREE = padded(1000, 3);

let lastDay = Number.NaN;
let dateOfLastDay = "";

/**
 * What `new Date(moment).toISOString()` says: each session that is read has a moment of expiry,
 * and the usual way takes longer than copying the session.
 */
export function isoText(moment: number): string {
  const ms = Math.trunc(moment);
  const day = Math.floor(ms / DAY_MS);
  if (day !== lastDay) {
    dateOfLastDay = new Date(day * DAY_MS).toISOString().slice(0, -"00:00:00.000Z".length);
    lastDay = day;
  }
  const inDay = ms - day * DAY_MS;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const time = `${TWO[hours]}:${TWO[minutes - hours * 60]}:${TWO[seconds - minutes * 60]}`;
  return `${dateOfLastDay}${time}.${THREE[inDay - seconds * 1000]}Z`;
}
