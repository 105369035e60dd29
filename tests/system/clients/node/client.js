// Calls health over and over, as a client with no option set does.
//
// usage: client.js TARGET CALLS METADATA_BYTES[,METADATA_BYTES...]
//
// The sizes are taken in turn; 0 is a call without metadata.
"use strict";

const grpc = require("@grpc/grpc-js");

const METHOD = "/grpc.health.v1.Health/Check";
const REQUEST = Buffer.from("\x0a\x08liveness");
const SERVING = Buffer.from("\x08\x01");
const LETTERS = "abcdefghijklmnopqrstuvwxyz/%_";

function metadata(call, size) {
  const metadata = new grpc.Metadata();
  if (size > 0) {
    let value = "";
    for (let at = 0; at < size; at++) value += LETTERS[Math.floor(Math.random() * LETTERS.length)];
    metadata.set("x-large", value);
  }
  return metadata;
}

function check(client, metadata) {
  const same = (bytes) => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(METHOD, same, same, REQUEST, metadata, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

async function main(target, calls, sizes) {
  const client = new grpc.Client(target, grpc.credentials.createInsecure());
  for (let call = 0; call < calls; call++) {
    const answer = await check(client, metadata(call, sizes[call % sizes.length]));
    if (!SERVING.equals(answer)) throw new Error(`call ${call}: answered ${answer.toString("hex")}`);
  }
  client.close();
  console.log(`${calls} calls answered`);
}

const [target, calls, sizes] = process.argv.slice(2);
main(target, Number(calls), sizes.split(",").map(Number)).catch((error) => {
  console.error(error);
  process.exit(1);
});
