/**
 * Sets of system calls that seccomp isolators name by a wildcard, and what filters without a set are made of. Names as
 * libseccomp has them; runtimes leave out those that a kernel or a machine does not have.
 */

/** What rkt and Docker let every app call, when rkt was last released. */
const FIRST_ALLOWED = words(`
  _llseek _newselect accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown chown32
  chroot clock_getres clock_gettime clock_nanosleep clone close connect copy_file_range creat dup dup2 dup3
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_wait epoll_wait_old eventfd eventfd2 execve
  execveat exit exit_group faccessat fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchown
  fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64
  fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futimesat get_robust_list get_thread_area getcpu
  getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
  getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32
  getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr inotify_add_watch
  inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit ioctl
  ioprio_get ioprio_set ipc kill lchown lchown32 lgetxattr link linkat listen listxattr llistxattr lremovexattr
  lseek lsetxattr lstat lstat64 madvise memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall
  mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap
  msgctl msgget msgrcv msgsnd msync munlock munlockall munmap nanosleep newfstatat open openat pause personality
  pipe pipe2 poll ppoll prctl pread64 preadv prlimit64 pselect6 pwrite64 pwritev read readahead readlink
  readlinkat readv recv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2
  restart_syscall rmdir rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
  sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop send sendfile sendfile64 sendmmsg
  sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid
  setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
  setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr shmat shmctl shmdt shmget
  shutdown sigaltstack signalfd signalfd4 sigreturn socket socketcall socketpair splice stat stat64 statfs
  statfs64 symlink symlinkat sync sync_file_range syncfs sysinfo syslog tee tgkill time timer_create timer_delete
  timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate
  truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid waitpid
  write writev
`);

/** Harmless calls that Linux has got since, or that only some machines have: C libraries of today begin with them. */
const LATER_ALLOWED = words(`
  arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush cachestat clock_getres_time64 clock_gettime64
  clock_nanosleep_time64 close_range epoll_pwait2 faccessat2 fchmodat2 futex_requeue futex_time64 futex_wait
  futex_waitv futex_wake getxattrat io_pgetevents io_pgetevents_time64 landlock_add_rule landlock_create_ruleset
  landlock_restrict_self listxattrat map_shadow_stack membarrier memfd_secret mq_timedreceive_time64
  mq_timedsend_time64 mseal nice openat2 pidfd_open pidfd_send_signal pkey_alloc pkey_free pkey_mprotect
  ppoll_time64 preadv2 process_mrelease pselect6_time64 pwritev2 readdir recvmmsg_time64 removexattrat
  riscv_flush_icache rseq rt_sigtimedwait_time64 sched_rr_get_interval_time64 semtimedop_time64 set_tls setxattrat
  sigaction sigpending sigprocmask sigsuspend statx sync_file_range2 timer_gettime64 timer_settime64
  timerfd_gettime64 timerfd_settime64 utimensat_time64
`);

/** `@rkt/default-whitelist` and `@docker/default-whitelist`, which were the same. */
export const ALLOWED: readonly string[] = [...FIRST_ALLOWED, ...LATER_ALLOWED];

/** `@rkt/default-blacklist` and `@docker/default-blacklist`. */
export const BLOCKED: readonly string[] = words(`
  _sysctl acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module finit_module
  get_kernel_syms get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie
  mbind mount move_pages name_to_handle_at nfsservctl open_by_handle_at perf_event_open pivot_root
  process_vm_readv process_vm_writev ptrace query_module quotactl reboot request_key set_mempolicy setns
  settimeofday stime swapoff swapon sysfs umount umount2 unshare uselib userfaultfd ustat vm86 vm86old
`);

/** What an app may call, besides, that has a capability: without its calls the capability would be of no use. */
export const ALLOWED_WITH: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: ['bpf'],
  CAP_DAC_READ_SEARCH: ['name_to_handle_at', 'open_by_handle_at'],
  CAP_PERFMON: ['perf_event_open'],
  CAP_SYS_ADMIN: words(`
    bpf clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns umount umount2 unshare
  `),
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_MODULE: ['delete_module', 'finit_module', 'init_module'],
  CAP_SYS_NICE: ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: ['kcmp', 'pidfd_getfd', 'process_madvise', 'process_vm_readv', 'process_vm_writev', 'ptrace'],
  CAP_SYS_RAWIO: ['ioperm', 'iopl'],
  CAP_SYS_TIME: ['adjtimex', 'clock_adjtime', 'clock_settime', 'clock_settime64', 'settimeofday', 'stime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
};

/**
 * What no app can begin or end without. A set that an image retains seldom names these, since under rkt systemd added
 * such. `close` is the runtime's own, between the filter and the app.
 */
export const LIFE_CYCLE: readonly string[] = words(`
  close execve exit exit_group getrlimit restart_syscall rt_sigreturn sigreturn ugetrlimit
`);

/** What a runtime calls under the filter before the app begins, unless the app has `no_new_privs`. */
export const RUNTIME_NEEDS: readonly string[] = words(`
  capget capset chdir getcwd openat prctl rt_sigaction rt_sigprocmask setgid setgroups setresgid setresuid setuid write
`);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
