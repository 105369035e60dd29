//! Compiles the `.proto` files with protox, so that a build does not need protoc. The pure core has none.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(feature = "server")]
    protos::compile()?;
    Ok(())
}

#[cfg(feature = "server")]
mod protos {
    use prost::Message;
    use std::path::PathBuf;

    /// The directory of specd's own API: server, client and the descriptors that reflection serves.
    const SPECD: &str = "proto/specd/v1";

    /// gRPC's health protocol, including List.
    const HEALTH: &[&str] = &["proto/grpc/health/v1/health.proto"];

    /// The part of containerd's API that specd calls.
    const CONTAINERD: &[&str] = &[
        "proto/containerd/services/containers/v1/containers.proto",
        "proto/containerd/services/content/v1/content.proto",
        "proto/containerd/services/images/v1/images.proto",
        "proto/containerd/services/leases/v1/leases.proto",
        "proto/containerd/services/namespaces/v1/namespace.proto",
        "proto/containerd/services/snapshots/v1/snapshots.proto",
        "proto/containerd/services/version/v1/version.proto",
    ];

    pub(super) fn compile() -> Result<(), Box<dyn std::error::Error>> {
        println!("cargo:rerun-if-changed=proto");
        let out = PathBuf::from(std::env::var("OUT_DIR")?);

        let specd = protox::compile(proto_files(SPECD)?, ["proto"])?;
        std::fs::write(out.join("specd_descriptor.bin"), specd.encode_to_vec())?;
        let mut config = tonic_prost_build::Config::new();
        config.enable_type_names();
        // Most of the size of a request, which is moved many times on its way.
        config.boxed(".specd.v1.GenerateRequest.options");
        // Equal options and equal answers have equal bytes.
        config.btree_map(["."]);
        tonic_prost_build::configure()
            .codec_path("crate::api::codec::BoundedCodec")
            .compile_fds_with_config(specd, config)?;

        let health = protox::compile(HEALTH, ["proto"])?;
        std::fs::write(out.join("health_descriptor.bin"), health.encode_to_vec())?;
        tonic_prost_build::configure().build_client(false).compile_fds(health)?;

        let containerd = protox::compile(CONTAINERD, ["proto/containerd"])?;
        tonic_prost_build::configure()
            .build_server(false)
            .include_file("containerd.rs")
            .compile_fds(containerd)?;
        Ok(())
    }

    /// The `.proto` files of a directory, sorted, so that every build gives the same descriptors.
    fn proto_files(directory: &str) -> std::io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(directory)?;
        let mut files =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
        files.sort();
        Ok(files)
    }
}
