//! How an image's configuration is read: the part of a profile that is no spec.

/// A set of rules, named after who has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageRules {
    /// The OCI image specification: entrypoint and cmd, always a PATH, the user with its groups, and
    /// no groups beside a group that is named.
    Oci,
    /// containerd's Go client, `oci.WithImageConfig`: PATH only for an image without any Env, groups
    /// also beside a group that is named, a group of the user's own name skipped.
    Containerd,
    /// The function platform faas-rs: Cmd alone, root without groups, and no image without a
    /// configuration, Env and Cmd.
    FaasRs,
}
