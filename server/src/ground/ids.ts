import { randomUUID, randomUUIDv7 } from 'node:crypto';

/** Ids sort by creation time (UUID v7), so a newest-first page needs no second sort key. */
export function newSessionId(): string {
  return randomUUIDv7();
}

export function newApprovalId(): string {
  return randomUUIDv7();
}

export function newTurnId(): string {
  return randomUUIDv7();
}

/** Of a model request. */
export function newRequestId(): string {
  return randomUUIDv7();
}

export function newBudgetId(): string {
  return randomUUIDv7();
}

export function newPresetId(): string {
  return randomUUIDv7();
}

export function newBatchId(): string {
  return randomUUID();
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
