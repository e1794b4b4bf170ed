/** A server cannot be had on this machine: the message is the one line that says why. */
export class Unavailable extends Error {
  name = "Unavailable";
}
