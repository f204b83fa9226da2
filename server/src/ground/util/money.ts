/** Ten-billionths of a US dollar, what one unit of `numeric(20, 10)` is: sums of them are exact. */
export type Money = bigint;

const PER_DOLLAR = 10n ** 10n;
/** A million tokens at a dollar: so much for one token. Prices have four decimals. */
const PER_TOKEN = 10_000;

/** What one token costs, from US dollars for a million. */
export function tokenPrice(dollarsPerMillion: number): Money {
  return BigInt(Math.round(dollarsPerMillion * PER_TOKEN));
}

export function dollars(amount: number): Money {
  return BigInt(Math.round(amount * 1e6)) * 10_000n;
}

/** As PostgreSQL's numeric takes it. */
export function toDecimal(money: Money): string {
  return `${money / PER_DOLLAR}.${String(money % PER_DOLLAR).padStart(10, '0')}`;
}
