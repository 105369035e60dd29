//! Why a user cannot be resolved, and who asked for it.

use crate::users::user::UserSpecError;

/// Who asked for the user or the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The image, by its USER.
    Image,
    /// The caller, by the user option.
    Caller,
    /// The caller, by the username option.
    CallerName,
    /// The caller, by the additional group of this index.
    CallerGroup(usize),
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The text is not a valid USER.
    #[error(transparent)]
    Malformed(#[from] UserSpecError),
    /// The file in which a name would be looked up does not exist.
    #[error("the image has no {0}, so the name {1:?} cannot be looked up")]
    NoFile(&'static str, String),
    /// No line has the name.
    #[error("the image's {0} has no {1:?}")]
    NotFound(&'static str, String),
    /// The matching line has an invalid number, or one that is out of range. Go's client reads some of these
    /// as 0, which is root.
    #[error("line {line} of the image's {file} has {text:?} where {what} should be")]
    Untrusted {
        /// The path of the file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// What must be there: `a uid`, `a gid`.
        what: &'static str,
        /// What is there.
        text: String,
    },
    /// More groups list the user than a process may have, so no container can start.
    #[error(
        "more than {1} lines of the image's {0} list the user, and Linux allows no more groups"
    )]
    TooManyGroups(&'static str, usize),
    /// A line that is longer than Go's reader accepts.
    #[error("line {line} of the image's {file} is longer than {limit} bytes")]
    LineTooLong {
        /// The path of the file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// The longest that is read.
        limit: usize,
    },
}

impl Cause {
    /// Whether the image's own data is invalid, independent of who asked.
    #[must_use]
    pub fn is_bad_data(&self) -> bool {
        match self {
            Self::Untrusted { .. } | Self::LineTooLong { .. } | Self::TooManyGroups(..) => true,
            Self::Malformed(_) | Self::NoFile(..) | Self::NotFound(..) => false,
        }
    }
}

/// A user or group that cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{cause}", match .asked { Asked::Image => "the image's user cannot be resolved: ", Asked::Caller | Asked::CallerName | Asked::CallerGroup(_) => "" })]
pub struct AccountError {
    /// Who asked for it.
    pub asked: Asked,
    /// What went wrong.
    pub cause: Cause,
}

impl Asked {
    /// The error of a cause, for who asked.
    pub(crate) fn error(self, cause: Cause) -> AccountError {
        AccountError { asked: self, cause }
    }
}
