/**
 * An unsigned integer of 64 bits that wraps around, as two signed halves of
 * 32 bits: a `bigint` would be allocated with every operation.
 */
export class Word64 {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    this.low = sum | 0;
  }

  xor(high: number, low: number): void {
    this.high ^= high;
    this.low ^= low;
  }

  /** Multiplies by schoolbook in digits of 16 bits, which JavaScript can multiply exactly. */
  multiply(high: number, low: number): void {
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    const middle = (Math.imul(a1, b0) >>> 0) + (Math.imul(a0, b0) >>> 16);
    const other = (Math.imul(a0, b1) >>> 0) + (middle & 0xffff);
    // `middle` and `other` stay below 2^32.
    const carry = Math.imul(a1, b1) + (middle >>> 16) + (other >>> 16);
    this.high = (carry + Math.imul(this.low, high) + Math.imul(this.high, low)) | 0;
    this.low = Math.imul(this.low, low);
  }

  /** Rotates to the left by 1 to 31 bits. */
  rotate(bits: number): void {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
  }
}
