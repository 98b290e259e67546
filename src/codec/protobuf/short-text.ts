/** Longest string that is read faster letter by letter, in bytes. */
const shortText = 12;

/** Longest string that is read faster by a loop than by a call out of JavaScript, in bytes. */
const mediumText = 24;

/** Bytes of text may be undefined to the type checker only: their number was checked. */
const letters = String.fromCharCode as (...codes: readonly (number | undefined)[]) => string;

/** Places for letters, by how many: making them anew costs as much as reading. */
const places: readonly number[][] = Array.from({ length: mediumText + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
);

/** Reads text of ASCII letters if it is short. Returns undefined for other text. */
export function asciiText(bytes: Uint8Array, start: number, length: number): string | undefined {
  if (length > mediumText) return undefined;
  let all = 0;
  for (let at = start; at < start + length; at++) all |= bytes[at] as number;
  if (all > 0x7f) return undefined;
  if (length <= shortText) return fewLetters(bytes, start, length);
  const some = places[length] as number[];
  for (let index = 0; index < length; index++) some[index] = bytes[start + index] as number;
  return letters.apply(String, some);
}

/** A call with the letters themselves, not a list of them, takes half the time. */
function fewLetters(b: Uint8Array, s: number, length: number): string {
  switch (length) {
    case 1:
      return letters(b[s]);
    case 2:
      return letters(b[s], b[s + 1]);
    case 3:
      return letters(b[s], b[s + 1], b[s + 2]);
    case 4:
      return letters(b[s], b[s + 1], b[s + 2], b[s + 3]);
    case 5:
      return letters(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4]);
    case 6:
      return letters(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5]);
    case 7:
      return letters(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6]);
    case 8:
      return letters(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7]);
    case 9:
      return letters(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7], b[s + 8]);
    case 10:
      return letters(
        b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7],
        b[s + 8], b[s + 9],
      );
    case 11:
      return letters(
        b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7],
        b[s + 8], b[s + 9], b[s + 10],
      );
    case 12:
      return letters(
        b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7],
        b[s + 8], b[s + 9], b[s + 10], b[s + 11],
      );
    default:
      return "";
  }
}
