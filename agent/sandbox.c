/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the agent holds a private key and answers strangers.
 * After this nothing it starts gains rights (a VMM asked for its version is
 * only itself), and nobody but root reads its memory: no core file, no ptrace.
 * Files stay reachable, since SIGHUP reads keys again; what may be read is the
 * service manager's business.  Capture processes inherit all of it and close
 * every descriptor but their pipe (child.c).
 */
#include "agent/sandbox.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* LeakSanitizer looks at its own process through ptrace. */
#if defined(__SANITIZE_ADDRESS__)
#define DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DUMPABLE 1
#endif
#endif
#ifndef DUMPABLE
#define DUMPABLE 0
#endif

bool mig_sandbox_enter(struct mig_error *err)
{
    const struct rlimit none = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "PR_SET_NO_NEW_PRIVS");
    }
    if (prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "PR_SET_DUMPABLE");
    }
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "RLIMIT_CORE");
    }
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    return true;
}
