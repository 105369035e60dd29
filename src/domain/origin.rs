//! Where the fields of a spec come from: the words in which it is explained.
//!
//! Who notes it is `spec::journal`'s.

use std::fmt;

/// Who set a field, or took it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A profile's file.
    Profile {
        /// The profile of that file, which another may extend.
        name: String,
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// A field of the image's configuration, for example `config.Env[1]`.
    Image(String),
    /// A field of the request.
    Option {
        /// Its path, for example `options.process.env[0]`.
        field: String,
        /// Where it is a message with the fields of the value that it sets: how deep in the spec that value is.
        depth: Option<usize>,
    },
    /// A rule of a step of the assembly, which nobody asked for by name.
    Rule {
        /// The step.
        step: &'static str,
        /// The rule; empty where the step has but one.
        text: String,
    },
    /// An account file of the image.
    Account {
        /// What was looked up, and who asked for it.
        asked: String,
        /// The file, for example `/etc/passwd`.
        file: &'static str,
        /// The line, from 1; 0 where no line of the file has it.
        line: usize,
    },
    /// A fact of the host.
    Host(String),
    /// The merge patch, by a pointer into it.
    MergePatch(String),
}

impl Origin {
    /// A field of the image's configuration.
    pub fn image(field: impl Into<String>) -> Self {
        Self::Image(field.into())
    }

    /// A field of the options, by its path inside them.
    pub fn option(field: impl fmt::Display) -> Self {
        Self::Option { field: format!("options.{field}"), depth: None }
    }

    /// A field of the options that is a message with the fields of the value which it sets, so deep in the spec. With the
    /// depth a field of the message can be named.
    pub fn message(field: impl fmt::Display, depth: usize) -> Self {
        Self::Option { field: format!("options.{field}"), depth: Some(depth) }
    }

    /// A rule of a step.
    pub fn rule(step: &'static str, text: impl Into<String>) -> Self {
        Self::Rule { step, text: text.into() }
    }
}

/// A name of the runtime specification as the options have it: `blockIO` is `block_io`.
#[must_use]
pub fn snake_case(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut snake = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        if at > 0 && byte.is_ascii_uppercase() && (lower(at - 1) || lower(at + 1)) {
            snake.push('_');
        }
        snake.push(char::from(byte.to_ascii_lowercase()));
    }
    snake
}

/// In a few words, for people.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile { name, file, line } => write!(f, "profile {name} ({file}:{line})"),
            Self::Image(field) => write!(f, "image {field}"),
            Self::Option { field, .. } => f.write_str(field),
            Self::Rule { step, text } if text.is_empty() => write!(f, "step {step}"),
            Self::Rule { step, text } => write!(f, "step {step}: {text}"),
            Self::Account { asked, file, line: 0 } => write!(f, "{asked}, not in {file}"),
            Self::Account { asked, file, line } => write!(f, "{asked}, {file}:{line}"),
            Self::Host(fact) => write!(f, "host {fact}"),
            Self::MergePatch(pointer) => write!(f, "options.spec_merge_patch {pointer}"),
        }
    }
}

/// A value that a field had, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value as JSON; nothing where the field was taken away.
    pub value: Option<String>,
    /// Who did it.
    pub by: Origin,
}

/// Where the user of a process comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserOrigins {
    /// The user id.
    pub uid: Origin,
    /// The primary group id.
    pub gid: Origin,
    /// The groups, in order.
    pub additional_gids: Vec<Origin>,
}

/// A leaf of a spec, and how it came to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The JSON pointer.
    pub path: String,
    /// What stands there, or that it was taken away.
    pub now: Setting,
    /// What stood there before, the oldest first.
    pub before: Vec<Setting>,
}
