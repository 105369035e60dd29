// From an image to a running container: specd makes the spec, containerd runs it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Containers } from "./generated/containerd/services/containers/v1/containers_pb.js";
import { Snapshots } from "./generated/containerd/services/snapshots/v1/snapshots_pb.js";
import { Tasks } from "./generated/containerd/services/tasks/v1/tasks_pb.js";
import type { Mount } from "./generated/containerd/types/mount_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "./generated/grpc/health/v1/health_pb.js";
import type { GenerateRequestSchema, GenerateResponse } from "./generated/specd/v1/generate_pb.js";
import type { ProcessOptionsSchema } from "./generated/specd/v1/options_process_pb.js";
import { SpecService } from "./generated/specd/v1/spec_service_pb.js";

const SPECD = "/run/specd/specd.sock";
const CONTAINERD = "/run/containerd/containerd.sock";
const NAMESPACE = "default";

function unixTransport(socket: string, interceptors: Interceptor[] = []): Transport {
  const nodeOptions = { createConnection: () => connect(socket) };
  return createGrpcTransport({ baseUrl: "http://localhost", nodeOptions, interceptors });
}

const withNamespace: Interceptor = (next) => (call) => {
  call.header.set("containerd-namespace", NAMESPACE);
  return next(call);
};

// ANCHOR: request
function request(
  id: string,
  process: MessageInitShape<typeof ProcessOptionsSchema>,
): MessageInitShape<typeof GenerateRequestSchema> {
  return { image: "busybox", namespace: NAMESPACE, id, profile: "hardened", options: { process } };
}
// ANCHOR_END: request

/** Creates the container that the answer describes, runs it to its end and removes it. */
async function run(containerd: Transport, id: string, answer: GenerateResponse): Promise<[number, string]> {
  const containers = createClient(Containers, containerd);
  const snapshots = createClient(Snapshots, containerd);
  const made = answer.container!;
  const { snapshotter, parent, labels } = made.snapshot!;
  const { name, options } = made.runtime!;

  // ANCHOR: container
  // The container comes first: from then on containerd's garbage collector keeps its snapshot.
  await containers.create({
    container: {
      id,
      image: answer.image!.name,
      labels: made.labels,
      spec: answer.spec,
      runtime: { name, options },
      snapshotter,
      snapshotKey: id,
    },
  });
  // ANCHOR_END: container
  try {
    const { mounts } = await snapshots.prepare({ snapshotter, key: id, parent, labels });
    try {
      return await runTask(containerd, id, mounts, made.terminal);
    } finally {
      await snapshots.remove({ snapshotter, key: id });
    }
  } finally {
    await containers.delete({ id });
  }
}

async function runTask(
  containerd: Transport,
  id: string,
  rootfs: Mount[],
  terminal: boolean,
): Promise<[number, string]> {
  const tasks = createClient(Tasks, containerd);
  const directory = await mkdtemp(join(tmpdir(), "hello-"));
  const file = join(directory, "output");
  const uri = `file://${file}`;
  try {
    await tasks.create({ containerId: id, rootfs, stdout: uri, stderr: uri, terminal });
    let exitStatus: number;
    try {
      await tasks.start({ containerId: id });
      ({ exitStatus } = await tasks.wait({ containerId: id }));
    } finally {
      await tasks.delete({ containerId: id });
    }
    // All output is in the file once the task is deleted.
    return [exitStatus, await readFile(file, "utf8")];
  } finally {
    await rm(directory, { recursive: true });
  }
}

// ANCHOR: errors
/** Prints the reason of specd's error, and each field of the request that is wrong. */
function printError(error: ConnectError): void {
  for (const { reason } of error.findDetails(ErrorInfoSchema)) {
    console.log(`error: ${reason}`);
  }
  for (const { field, description } of error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations)) {
    console.log(`  ${field}: ${description}`);
  }
}
// ANCHOR_END: errors

const specd = unixTransport(SPECD);
const { status } = await createClient(Health, specd).check({});
console.log(`health: ${ServingStatus[status]}`);

const id = "hello-node";
const service = createClient(SpecService, specd);
const command = { values: ["sh", "-c", "echo hello from Node; exit 7"] };
const answer = await service.generate(request(id, { command }));
const [exitCode, output] = await run(unixTransport(CONTAINERD, [withNamespace]), id, answer);
console.log(`output: ${output}exit code: ${exitCode}`);

const refused = await service.generate(request(id, { cwd: "srv", oomScoreAdj: 5000 })).catch(ConnectError.from);
if (!(refused instanceof ConnectError)) throw new Error("an invalid request was answered");
printError(refused);
