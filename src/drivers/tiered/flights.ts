/** A call under way to the store about one entry. */
export interface Flight {
  readonly isChange: boolean;
  /** Whether a change of the entry was under way at the same time, so that the order is unknown. */
  isOvertaken: boolean;
}

/**
 * The calls under way to the store. An answer tells what an entry is like only where no change of
 * it was on the way at the same time: else it may be from before the change, and arrive after it.
 */
export class Flights {
  readonly #flights = new Map<string, Set<Flight>>();
  #clearing = 0;

  begin(key: string, isChange: boolean): Flight {
    const flight: Flight = { isChange, isOvertaken: this.#clearing > 0 };
    const others = this.#flights.get(key);
    if (!others) {
      this.#flights.set(key, new Set([flight]));
      return flight;
    }
    for (const other of others) {
      if (isChange) other.isOvertaken = true;
      if (other.isChange) flight.isOvertaken = true;
    }
    others.add(flight);
    return flight;
  }

  end(key: string, flight: Flight): void {
    const flights = this.#flights.get(key);
    flights?.delete(flight);
    if (flights?.size === 0) this.#flights.delete(key);
  }

  /** Lets no answer count that was asked for before this, or is until `endAll`. */
  beginAll(): void {
    this.#clearing += 1;
    for (const flights of this.#flights.values()) {
      for (const flight of flights) flight.isOvertaken = true;
    }
  }

  endAll(): void {
    this.#clearing -= 1;
  }
}
