/** Whether a text has more bytes of UTF-8 than that. */
export function isLonger(text: string, bytes: number): boolean {
  // A unit is at most three bytes, which spares most texts the counting.
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}
