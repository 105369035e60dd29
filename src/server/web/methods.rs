//! The unary methods of the services, by their paths, and the types that error details may have.

use prost::Message;
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use prost_types::FileDescriptorSet;
use prost_types::method_options::IdempotencyLevel;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The messages of a method.
#[derive(Debug, Clone)]
pub(super) struct Messages {
    pub(super) input: MessageDescriptor,
    pub(super) output: MessageDescriptor,
    has_no_side_effects: bool,
}

/// The unary methods of the services.
#[derive(Debug)]
pub(super) struct Methods {
    by_path: HashMap<String, Messages>,
    pool: DescriptorPool,
}

/// The methods, read when the first call needs them: most servers get calls in gRPC alone, and the descriptors take a megabyte.
pub(super) type LazyMethods = LazyLock<Methods, Box<dyn FnOnce() -> Methods + Send>>;

/// The methods of encoded descriptor sets, which are parts of the build.
pub(super) fn read_lazily(descriptor_sets: &'static [&'static [u8]]) -> LazyMethods {
    LazyLock::new(Box::new(move || {
        Methods::of(descriptor_sets).unwrap_or_else(|error| {
            tracing::error!(error, "the descriptors of the API are invalid");
            Methods { by_path: HashMap::new(), pool: DescriptorPool::new() }
        })
    }))
}

impl Methods {
    /// The methods of encoded descriptor sets, which may have files in common.
    fn of(descriptor_sets: &[&[u8]]) -> Result<Self, String> {
        let mut pool = DescriptorPool::new();
        for set in descriptor_sets {
            let set = FileDescriptorSet::decode(*set).map_err(|error| error.to_string())?;
            for file in set.file {
                if pool.get_file_by_name(file.name()).is_none() {
                    pool.add_file_descriptor_proto(file).map_err(|error| error.to_string())?;
                }
            }
        }
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let unary = |method: &MethodDescriptor| {
            !method.is_client_streaming() && !method.is_server_streaming()
        };
        let by_path = methods.filter(unary).map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
            let has_no_side_effects =
                options.idempotency_level() == IdempotencyLevel::NoSideEffects;
            (path, Messages { input: method.input(), output: method.output(), has_no_side_effects })
        });
        Ok(Self { by_path: by_path.collect(), pool })
    }

    /// The method at a path, if it is a unary one.
    pub(super) fn find(&self, path: &str) -> Option<Messages> {
        self.by_path.get(path).cloned()
    }

    /// Whether a path is that of a unary method that says so of itself.
    pub(super) fn have_no_side_effects(&self, path: &str) -> bool {
        self.by_path.get(path).is_some_and(|method| method.has_no_side_effects)
    }

    /// A type of an error's details.
    pub(super) fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name)
    }
}
