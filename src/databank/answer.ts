/** What is there at once, or will be: a promise where nothing has to be waited for is not free. */
export type Answer<T> = T | Promise<T>;

/** Goes on with an answer: at once if it is there. */
export function andThen<T, R>(answer: Answer<T>, next: (value: T) => Answer<R>): Answer<R> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

/** What a driver gave for a batch: promises are not always of the language's own kind. */
export function asAnswer<T>(given: Answer<readonly T[]>): Answer<readonly T[]> {
  return Array.isArray(given) || given instanceof Promise ? given : Promise.resolve(given);
}

/** Begins something whose errors shall all come as rejections. */
export function begin<T>(task: () => Answer<T>): Answer<T> {
  try {
    return task();
  } catch (error) {
    return Promise.reject(error);
  }
}
