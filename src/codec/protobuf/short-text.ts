/** Longest string that is read faster letter by letter, in bytes. */
const shortText = 12;

/** Longest string that is read faster by a loop than by a call out of JavaScript, in bytes. */
const mediumText = 24;

const letters = String.fromCharCode;

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

/** A call with the letters themselves, not a list of them, is half the price. */
function fewLetters(b: Uint8Array, s: number, length: number): string {
  switch (length) {
    case 1:
      return letters(b[s] as number);
    case 2:
      return letters(b[s] as number, b[s + 1] as number);
    case 3:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number);
    case 4:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number);
    case 5:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number);
    case 6:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number);
    case 7:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number, b[s + 6] as number);
    case 8:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number, b[s + 6] as number, b[s + 7] as number);
    case 9:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number, b[s + 6] as number, b[s + 7] as number, b[s + 8] as number);
    case 10:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number, b[s + 6] as number, b[s + 7] as number, b[s + 8] as number, b[s + 9] as number);
    case 11:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number, b[s + 6] as number, b[s + 7] as number, b[s + 8] as number, b[s + 9] as number, b[s + 10] as number);
    case 12:
      return letters(b[s] as number, b[s + 1] as number, b[s + 2] as number, b[s + 3] as number, b[s + 4] as number, b[s + 5] as number, b[s + 6] as number, b[s + 7] as number, b[s + 8] as number, b[s + 9] as number, b[s + 10] as number, b[s + 11] as number);
    default:
      return "";
  }
}
