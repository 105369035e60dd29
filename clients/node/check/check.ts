// Uses the installed package: an answer, and a decoded error.
import { connect } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { decodeError, Reason, SpecService } from "specd-client";

const nodeOptions = { createConnection: () => connect("/run/specd/specd.sock") };
const specd = createClient(SpecService, createGrpcTransport({ baseUrl: "http://localhost", nodeOptions }));

const request = { image: "busybox", namespace: "default", id: "package", profile: "hardened" };
const answer = await specd.generate(request);
console.log(answer.spec?.typeUrl);

const wrong = { ...request, options: { process: { cwd: "srv", oomScoreAdj: 5000 } } };
const error = await specd.generate(wrong).catch(ConnectError.from);
const decoded = error instanceof ConnectError ? decodeError(error) : undefined;
if (decoded?.reason !== Reason.INVALID_REQUEST) throw error;
console.log(Code[decoded.code], decoded.reason);
for (const { field, description } of decoded.violations) console.log(`${field}: ${description}`);
