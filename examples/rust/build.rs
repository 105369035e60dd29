//! Generates the stubs of specd; those of containerd come with the crate containerd-client.

fn main() -> std::io::Result<()> {
    tonic_prost_build::configure()
        .build_server(false)
        .compile_protos(&["specd/v1/spec_service.proto"], &["../../proto"])
}
