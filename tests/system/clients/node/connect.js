// Calls Generate in Connect's protocol over a unix socket, with the messages in a file of descriptors, and prints the answer as
// protobuf's JSON, or the code and the details of the error.
//
// usage: connect.js SOCKET DESCRIPTORS REQUEST json|proto|get|grpc-web
"use strict";

const { readFileSync } = require("node:fs");
const { createFileRegistry, fromBinary, fromJson, toJson } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { ConnectError, Code, createClient } = require("@connectrpc/connect");
const { createConnectTransport, createGrpcWebTransport } = require("@connectrpc/connect-node");

async function main(socketPath, descriptors, request, protocol) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
  const service = registry.getService("specd.v1.SpecService");
  const options = { baseUrl: "http://specd", httpVersion: "1.1", nodeOptions: { socketPath } };
  const transport =
    protocol === "grpc-web"
      ? createGrpcWebTransport(options)
      : createConnectTransport({ ...options, useBinaryFormat: protocol === "proto", useHttpGet: protocol === "get" });
  const { input, output } = service.method.generate;
  try {
    const answer = await createClient(service, transport).generate(fromJson(input, JSON.parse(request)));
    console.log(JSON.stringify(toJson(output, answer)));
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const details = error.details.map((detail) => detail.type ?? detail.desc.typeName);
    console.log(JSON.stringify({ code: Code[error.code], message: error.rawMessage, details }));
  }
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
