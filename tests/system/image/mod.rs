//! Images out of OCI image layouts: names, the way down to the configuration, and what goes wrong on it.

mod describe;
mod oci_layout;
