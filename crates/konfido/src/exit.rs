//! The exit codes of every `konfido` command: a contract with scripts, so they never change meaning.

/// How a command ended. An error that a command returns counts as [`ExitCode::Environment`], unless it carries a
/// [`UsageError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// The command did what it was asked and found nothing wrong.
    Good = 0,
    /// The command worked and found something wrong: an invalid signature, a failed check, a refusal.
    FoundWrong = 1,
    /// The command line, or a file the user wrote for it, makes no sense.
    Usage = 2,
    /// The surroundings failed: a file, a socket, a peer that does not answer.
    Environment = 3,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

impl ExitCode {
    /// [`Self::Good`] when `good`, else [`Self::FoundWrong`].
    pub(crate) fn from_verdict(good: bool) -> Self {
        if good { Self::Good } else { Self::FoundWrong }
    }
}

/// An error by which the user, not the environment, is to blame. Wrap it into the `anyhow::Error` of a command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The exit code that an error of a command stands for.
pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(|cause| cause.is::<UsageError>()) { ExitCode::Usage } else { ExitCode::Environment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_found_under_its_context() {
        let error = anyhow::Error::new(UsageError("no such country".into())).context("could not start");
        assert_eq!(code_of(&error), ExitCode::Usage);
        assert_eq!(code_of(&anyhow::anyhow!("disk full")), ExitCode::Environment);
    }
}
