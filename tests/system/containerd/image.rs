//! Images made of this machine's static busybox, and their way into a daemon, over its API alone.

use crate::support::daemon::{BUSYBOX, Daemon, SNAPSHOTTER};
use containerd_client::services::v1::snapshots::{
    CommitSnapshotRequest, PrepareSnapshotRequest, StatSnapshotRequest,
};
use containerd_client::services::v1::{
    ApplyRequest, CreateImageRequest, CreateRequest, DeleteImageRequest, DeleteRequest,
    Image as StoredImage, WriteAction, WriteContentRequest,
};
use containerd_client::types::Descriptor;
use containerd_client::{Client, tonic};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::Write;
use tonic::{Code, Request};

/// What a shell command in a test may use.
const APPLETS: &[&str] =
    &["sh", "id", "env", "pwd", "cat", "grep", "sleep", "ls", "hostname", "tty", "touch", "ulimit"];

/// Bytes and what they are.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
}

impl Blob {
    pub(crate) fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { media_type, digest: sha256(&bytes), bytes }
    }

    fn json(media_type: &'static str, value: &Value) -> Self {
        Self::new(media_type, serde_json::to_vec(value).unwrap())
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }

    fn message(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.to_owned(),
            digest: self.digest.clone(),
            size: i64::try_from(self.bytes.len()).unwrap(),
            annotations: HashMap::new(),
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A layer: the blob, and the digest of what it is once decompressed.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) blob: Blob,
    diff_id: String,
}

impl Layer {
    fn plain(tar: Vec<u8>) -> Self {
        let blob = Blob::new("application/vnd.oci.image.layer.v1.tar", tar);
        Self { diff_id: blob.digest.clone(), blob }
    }

    pub(crate) fn gzip(tar: &[u8]) -> Self {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(tar).unwrap();
        let bytes = packer.finish().unwrap();
        let blob = Blob::new("application/vnd.oci.image.layer.v1.tar+gzip", bytes);
        Self { blob, diff_id: sha256(tar) }
    }
}

/// An image of one platform, this machine's.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Lowest first.
    pub(crate) layers: Vec<Layer>,
    pub(crate) config: Blob,
    pub(crate) manifest: Blob,
    pub(crate) index: Blob,
}

/// busybox as a daemon would be packed: USER app, which is 1000 with two more groups, in /srv.
pub(crate) fn busybox() -> Image {
    busybox_with(&json!({
        "User": "app",
        "Env": ["PATH=/usr/bin:/bin", "GREETING=hello there"],
        "WorkingDir": "/srv",
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["id; pwd; env"],
    }))
}

/// busybox with another `config`.
pub(crate) fn busybox_with(config: &Value) -> Image {
    let programs = Layer::plain(programs());
    let accounts = Layer::gzip(&accounts());
    Image::new(vec![programs, accounts], config)
}

/// The programs, and accounts that the next layer replaces. More than a mebibyte.
fn programs() -> Vec<u8> {
    let mut tar = Tar::new();
    for directory in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
        tar.directory(directory, 0, 0);
    }
    tar.file("bin/busybox", 0o755, &std::fs::read(BUSYBOX).unwrap());
    for applet in APPLETS {
        tar.symlink(&format!("bin/{applet}"), "busybox");
    }
    tar.hard_link("bin/true", "bin/busybox");
    tar.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\napp:x:7:7::/:/bin/sh\n");
    tar.file("etc/group", 0o644, b"root:x:0:\n");
    tar.finish()
}

fn accounts() -> Vec<u8> {
    let mut tar = Tar::new();
    tar.directory("srv", 1000, 1000);
    tar.file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/srv:/bin/sh\n",
    );
    tar.file(
        "etc/group",
        0o644,
        b"root:x:0:\nwww-data:x:33:app\napp:x:1000:\ncrew:x:2000:root,app\n",
    );
    tar.finish()
}

/// A tar as it is written.
pub(crate) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn header(kind: tar::EntryType, mode: u32, size: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header
    }

    pub(crate) fn directory(&mut self, path: &str, uid: u64, gid: u64) {
        let mut header = Self::header(tar::EntryType::Directory, 0o755, 0);
        header.set_uid(uid);
        header.set_gid(gid);
        self.0.append_data(&mut header, format!("{path}/"), std::io::empty()).unwrap();
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) {
        let mut header = Self::header(tar::EntryType::Regular, mode, bytes.len());
        self.0.append_data(&mut header, path, bytes).unwrap();
    }

    pub(crate) fn symlink(&mut self, path: &str, target: &str) {
        let mut header = Self::header(tar::EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, target).unwrap();
    }

    pub(crate) fn hard_link(&mut self, path: &str, target: &str) {
        let mut header = Self::header(tar::EntryType::Link, 0o755, 0);
        self.0.append_link(&mut header, path, target).unwrap();
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// This machine's architecture as images name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

impl Image {
    pub(crate) fn new(layers: Vec<Layer>, config: &Value) -> Self {
        let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.diff_id).collect();
        let config = Blob::json(
            "application/vnd.oci.image.config.v1+json",
            &json!({
                "architecture": architecture(),
                "os": "linux",
                "config": config,
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }),
        );
        let described: Vec<_> = layers.iter().map(|layer| layer.blob.descriptor()).collect();
        let manifest = Blob::json(
            "application/vnd.oci.image.manifest.v1+json",
            &json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": config.descriptor(),
                "layers": described,
            }),
        );
        let mut entry = manifest.descriptor();
        entry["platform"] = json!({"os": "linux", "architecture": architecture()});
        let index = Blob::json(
            "application/vnd.oci.image.index.v1+json",
            &json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": [entry],
            }),
        );
        Self { layers, config, manifest, index }
    }

    /// The chain IDs of the layers, lowest first.
    fn chain_ids(&self) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        for layer in &self.layers {
            chain.push(match chain.last() {
                None => layer.diff_id.clone(),
                Some(below) => sha256(format!("{below} {}", layer.diff_id).as_bytes()),
            });
        }
        chain
    }

    /// The name of the snapshot that a container of the image stands on.
    pub(crate) fn chain_id(&self) -> String {
        self.chain_ids().pop().unwrap()
    }

    /// Writes the blobs, names the image and unpacks it.
    ///
    /// While that goes on a lease keeps what nothing refers to yet; afterwards the image does, by the
    /// labels of its blobs.
    pub(crate) async fn import(&self, daemon: &Daemon, namespace: &str, name: &str) {
        self.import_for(daemon, namespace, name, SNAPSHOTTER).await;
    }

    /// The same, unpacked by another snapshotter.
    pub(crate) async fn import_for(
        &self,
        daemon: &Daemon,
        namespace: &str,
        name: &str,
        snapshotter: &str,
    ) {
        let client = daemon.client().await;
        let lease = format!("import-{}", self.index.digest);
        let lease = Import { client, namespace, lease, snapshotter };
        let created = CreateRequest { id: lease.lease.clone(), labels: HashMap::new() };
        lease.client.leases().create(lease.request(created)).await.unwrap();
        lease.blobs(self).await;
        lease.name(self, name).await;
        lease.unpack(self).await;
        let over = DeleteRequest { id: lease.lease.clone(), sync: true };
        lease.client.leases().delete(lease.request(over)).await.unwrap();
    }
}

impl Image {
    /// Puts the image under a name that another one has.
    pub(crate) async fn replace(&self, daemon: &Daemon, namespace: &str, name: &str) {
        let delete = DeleteImageRequest { name: name.to_owned(), ..Default::default() };
        daemon.client().await.images().delete(within(namespace, delete)).await.unwrap();
        self.import(daemon, namespace, name).await;
    }
}

/// Writes a blob that no image refers to, to stay.
pub(crate) async fn store(daemon: &Daemon, namespace: &str, blob: &Blob) {
    let labels = HashMap::from([("containerd.io/gc.root".to_owned(), "now".to_owned())]);
    write(&daemon.client().await, blob, labels, |message| within(namespace, message)).await;
}

/// A request within a namespace.
pub(crate) fn within<T>(namespace: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("containerd-namespace", namespace.parse().unwrap());
    request
}

/// One import, under its lease.
struct Import<'a> {
    client: Client,
    namespace: &'a str,
    lease: String,
    snapshotter: &'a str,
}

impl Import<'_> {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = within(self.namespace, message);
        request.metadata_mut().insert("containerd-lease", self.lease.parse().unwrap());
        request
    }

    async fn blobs(&self, image: &Image) {
        let refers = |key: String, to: String| (format!("containerd.io/gc.ref.{key}"), to);
        for layer in &image.layers {
            self.blob(&layer.blob, HashMap::new()).await;
        }
        let snapshot = refers(format!("snapshot.{}", self.snapshotter), image.chain_id());
        self.blob(&image.config, HashMap::from([snapshot])).await;
        let layers = image.layers.iter().enumerate();
        let layers = layers.map(|(i, l)| refers(format!("content.l.{i}"), l.blob.digest.clone()));
        let config = refers("content.config".to_owned(), image.config.digest.clone());
        self.blob(&image.manifest, layers.chain([config]).collect()).await;
        let manifest = refers("content.m.0".to_owned(), image.manifest.digest.clone());
        self.blob(&image.index, HashMap::from([manifest])).await;
    }

    async fn blob(&self, blob: &Blob, labels: HashMap<String, String>) {
        write(&self.client, blob, labels, |message| self.request(message)).await;
    }

    async fn name(&self, image: &Image, name: &str) {
        let stored = StoredImage {
            name: name.to_owned(),
            target: Some(image.index.message()),
            ..StoredImage::default()
        };
        let request = CreateImageRequest { image: Some(stored), source_date_epoch: None };
        self.client.images().create(self.request(request)).await.unwrap();
    }

    async fn unpack(&self, image: &Image) {
        let mut parent = String::new();
        for (layer, chain_id) in image.layers.iter().zip(image.chain_ids()) {
            if !self.has_snapshot(&chain_id).await {
                self.unpack_one(layer, &parent, &chain_id).await;
            }
            parent = chain_id;
        }
    }

    async fn has_snapshot(&self, key: &str) -> bool {
        let snapshotter = self.snapshotter.to_owned();
        let request = self.request(StatSnapshotRequest { snapshotter, key: key.to_owned() });
        self.client.snapshots().stat(request).await.is_ok()
    }

    async fn unpack_one(&self, layer: &Layer, parent: &str, chain_id: &str) {
        let key = format!("unpack-{chain_id}");
        let prepare = PrepareSnapshotRequest {
            snapshotter: self.snapshotter.to_owned(),
            key: key.clone(),
            parent: parent.to_owned(),
            labels: HashMap::new(),
        };
        let prepared = self.client.snapshots().prepare(self.request(prepare)).await.unwrap();
        let apply = ApplyRequest {
            diff: Some(layer.blob.message()),
            mounts: prepared.into_inner().mounts,
            ..ApplyRequest::default()
        };
        let applied = self.client.diff().apply(self.request(apply)).await.unwrap();
        assert_eq!(applied.into_inner().applied.unwrap().digest, layer.diff_id);
        let commit = CommitSnapshotRequest {
            snapshotter: self.snapshotter.to_owned(),
            name: chain_id.to_owned(),
            key,
            ..CommitSnapshotRequest::default()
        };
        self.client.snapshots().commit(self.request(commit)).await.unwrap();
    }
}

type Chunks = futures_util::stream::Iter<std::vec::IntoIter<WriteContentRequest>>;

/// Writes a blob in chunks that fit into messages. An existing blob stays unchanged.
async fn write(
    client: &Client,
    blob: &Blob,
    labels: HashMap<String, String>,
    request: impl FnOnce(Chunks) -> Request<Chunks>,
) {
    let total = i64::try_from(blob.bytes.len()).unwrap();
    let digest = &blob.digest;
    let mut offset = 0;
    let mut chunks = Vec::new();
    for data in blob.bytes.chunks(1 << 20) {
        chunks.push(WriteContentRequest {
            action: WriteAction::Write.into(),
            r#ref: digest.clone(),
            total,
            expected: digest.clone(),
            offset,
            data: data.to_vec(),
            labels: HashMap::new(),
        });
        offset += i64::try_from(data.len()).unwrap();
    }
    let last = chunks.last_mut().unwrap();
    last.action = WriteAction::Commit.into();
    last.labels = labels;
    let request = request(futures_util::stream::iter(chunks));
    let written = async {
        let mut answers = client.content().write(request).await?.into_inner();
        while answers.message().await?.is_some() {}
        Ok::<_, tonic::Status>(())
    };
    if let Err(status) = written.await {
        assert_eq!(status.code(), Code::AlreadyExists, "{status}");
    }
}
