/**
 * Copies what an object has of its own. A property called `__proto__` stays a property, and
 * changes no prototype.
 */
export function copyProperties(target: object, source: unknown): void {
  for (const [name, value] of Object.entries(Object(source))) {
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}
