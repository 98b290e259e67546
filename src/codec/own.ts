/** Sets a property of the object itself, even one called `__proto__`. */
export function own<T>(object: Record<string, T>, key: string, value: T): void {
  if (key !== "__proto__") object[key] = value;
  else {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }
}
