// What an error of specd says: its reason, and each field of the request that is wrong.
import type { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { ErrorReason } from "./generated/specd/v1/errors_pb.js";

/** The reasons of errors, as they are sent: `Reason.IMAGE_NOT_FOUND` is `"IMAGE_NOT_FOUND"`. */
export type Reason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;
export const Reason = Object.fromEntries(
  Object.keys(ErrorReason)
    .filter((name) => Number.isNaN(Number(name)) && name !== "UNSPECIFIED")
    .map((name) => [name, name]),
) as { readonly [Name in Reason]: Name };

/** A field of the request, for example `options.process.cwd`, and what is wrong with it. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** A decoded error. `reason` is one of Reason, or a newer one. */
export interface SpecdError {
  readonly code: Code;
  readonly message: string;
  readonly reason: Reason | (string & {});
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryAfterSeconds?: number;
}

/** Decodes the error of a call. Undefined if specd did not send it, for example if nothing listens on its socket. */
export function decodeError(error: ConnectError): SpecdError | undefined {
  const info = error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === "specd.v1");
  if (info === undefined) return undefined;
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: error.code,
    message: error.rawMessage,
    reason: info.reason,
    metadata: info.metadata,
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations.map(({ field, description }) => ({ field, description }))),
    retryAfterSeconds: delay && Number(delay.seconds) + delay.nanos / 1e9,
  };
}
