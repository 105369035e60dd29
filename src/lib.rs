//! specd: OCI runtime specs as a service.

pub mod accounts;
pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod generate;
pub mod image;
pub mod pb;
pub mod rpc;
pub mod server;
pub mod source;
pub mod spec;
pub mod telemetry;
