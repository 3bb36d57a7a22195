//! Giving rights away: one call at start, none of which can be taken back.

#![expect(unsafe_code, reason = "prctl, setresuid and unshare have no safe interface")]

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch};

/// `PR_SET_MDWE` of `linux/prctl.h`, which the C library does not name yet.
const PR_SET_MDWE: libc::c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// One measure, in the words of the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Core limit 0 and undumpable: no core files, no reading by the same user.
    NoDump,
    /// Runs as a user of its own.
    OwnUser,
    /// A network namespace with nothing in it.
    NoNetwork,
    /// Memory is never writable and executable (MDWE).
    NoWriteExecute,
    /// Only the named folders can be reached, no TCP, no signals to others (Landlock).
    OnlyNamedFiles,
    /// Only the system calls that are needed (seccomp).
    OnlyNeededCalls,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDump => "no-dump",
            Self::OwnUser => "own-user",
            Self::NoNetwork => "no-network",
            Self::NoWriteExecute => "no-write-execute",
            Self::OnlyNamedFiles => "only-named-files",
            Self::OnlyNeededCalls => "only-needed-calls",
        })
    }
}

/// Which measures hold, and which could not be had with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// In force, for the rest of this process.
    pub held: Vec<Measure>,
    /// Not in force here, and why.
    pub missing: Vec<(Measure, String)>,
}

/// A demanded measure that the kernel refuses.
#[derive(Debug, thiserror::Error)]
#[error("the kernel refuses `{measure}`: {reason}")]
pub struct ConfineError {
    measure: Measure,
    reason: String,
}

/// What a process keeps when it gives the rest away.
#[derive(Debug, Clone, Default)]
pub struct Confinement {
    /// Folders that stay readable and writable.
    pub read_write: Vec<PathBuf>,
    /// Folders that stay readable.
    pub read: Vec<PathBuf>,
    /// The user and group to become; needs root.
    pub user: Option<(u32, u32)>,
    /// Measures without which the process must not go on.
    pub demanded: Vec<Measure>,
}

impl Confinement {
    /// Gives everything else away, in the order in which each step still has the right to its own.
    ///
    /// Call it before the first thread starts and after the listening socket is bound.
    ///
    /// # Errors
    /// [`ConfineError`] for the first demanded measure that is not to be had.
    pub fn apply(&self) -> Result<Measures, ConfineError> {
        let mut measures = Measures::default();
        let mut note = |measure: Measure, outcome: io::Result<()>| match outcome {
            Ok(()) => {
                measures.held.push(measure);
                Ok(())
            }
            Err(error) if self.demanded.contains(&measure) => {
                Err(ConfineError { measure, reason: error.to_string() })
            }
            Err(error) => {
                measures.missing.push((measure, error.to_string()));
                Ok(())
            }
        };
        note(Measure::NoNetwork, leave_network())?;
        note(Measure::OwnUser, self.become_user())?;
        // After the change of user, which makes a process dumpable again.
        note(Measure::NoDump, no_dump())?;
        note(Measure::NoWriteExecute, no_write_execute())?;
        note(Measure::OnlyNamedFiles, self.only_named_files())?;
        note(Measure::OnlyNeededCalls, only_needed_calls())?;
        Ok(measures)
    }

    fn become_user(&self) -> io::Result<()> {
        let Some((user, group)) = self.user else {
            return Err(io::Error::other("no user of its own is configured"));
        };
        // SAFETY: numbers only; the order (groups, group, user) gives the right to the next step away last.
        let changed = unsafe {
            libc::setgroups(0, std::ptr::null()) == 0
                && libc::setresgid(group, group, group) == 0
                && libc::setresuid(user, user, user) == 0
        };
        outcome(changed)
    }

    fn only_named_files(&self) -> io::Result<()> {
        let abi = ABI::V6;
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))
            .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(abi)))
            .and_then(|ruleset| ruleset.scope(Scope::Signal))
            .and_then(Ruleset::create)
            .and_then(|ruleset| {
                ruleset.add_rules(path_beneath_rules(&self.read_write, AccessFs::from_all(abi)))
            })
            .and_then(|ruleset| ruleset.add_rules(path_beneath_rules(&self.read, AccessFs::from_read(abi))))
            .and_then(landlock::RulesetCreated::restrict_self)
            .map_err(io::Error::other)?;
        match status.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            RulesetStatus::PartiallyEnforced => Err(io::Error::other("only partly enforced by this kernel")),
            RulesetStatus::NotEnforced => Err(io::Error::other("this kernel has no Landlock")),
        }
    }
}

fn outcome(done: bool) -> io::Result<()> {
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn no_dump() -> io::Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` outlives the call; the rest are numbers.
    outcome(unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none) == 0
            && libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    })
}

fn no_write_execute() -> io::Result<()> {
    // SAFETY: numbers only.
    outcome(unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 })
}

fn leave_network() -> io::Result<()> {
    // SAFETY: numbers only. As root a network namespace is enough; without, a user namespace gives the right to one.
    outcome(unsafe {
        libc::unshare(libc::CLONE_NEWNET) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) == 0
    })
}

/// The system calls of a process that reads and writes files and Unix sockets, on several threads, and nothing else.
const NEEDED: &[libc::c_long] = &[
    libc::SYS_accept4,
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_memfd_secret,
    libc::SYS_mkdirat,
    libc::SYS_mlock,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_pread64,
    libc::SYS_prlimit64,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_renameat2,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_statx,
    libc::SYS_tgkill,
    libc::SYS_timerfd_settime,
    libc::SYS_uname,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// The older calls that only this architecture has; newer ones have `…at` forms alone.
#[cfg(target_arch = "x86_64")]
const NEEDED_OLD: &[libc::c_long] = &[
    libc::SYS_epoll_wait,
    libc::SYS_mkdir,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const NEEDED_OLD: &[libc::c_long] = &[];

fn only_needed_calls() -> io::Result<()> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let rules: BTreeMap<i64, Vec<SeccompRule>> =
        NEEDED.iter().chain(NEEDED_OLD).map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter =
        SeccompFilter::new(rules, refuse, SeccompAction::Allow, architecture).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}
