/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "vmm/process.h"

#define OPTION "mig-test-of-processes"

/* Stops until it is ended, started with "-OPTION VALUE" among other words; its
 * name is one that /proc/PID/stat is hard to read with. */
static pid_t run(const char *value)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl("/bin/sh", "sh ) 1 (", "-c", "kill -STOP $$; :", "--" OPTION, value,
                    (char *)NULL);
        _exit(1);
    }
    return pid;
}

static void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* Its arguments are the parent's until it runs its program. */
static bool find(const char *value, pid_t *ret, struct mig_error *err)
{
    for (int i = 0; i < 2000; i++) {
        if (mig_process_find(OPTION, value, ret, err)) {
            return true;
        }
        (void)usleep(1000);
    }
    return false;
}

CHECK_TEST(a_process_is_found_by_what_it_was_started_with)
{
    char value[32], instance[MIG_VM_ID_MAX];
    MIG_AUTO(mig_process_clear) struct mig_process p = {.program = -1};
    struct mig_error err;
    pid_t pid, twin, found = 0;

    (void)snprintf(value, sizeof value, "id=%d", (int)getpid());
    check_true("none", !mig_process_find(OPTION, value, &found, &err));
    check_contains("none", "no process with -" OPTION, err.msg);

    pid = run(value);
    check_done("found", find(value, &found, &err), &err);
    check_true("it", found == pid);
    check_done("open", mig_process_open(pid, &p, &err), &err);
    check_true("program", p.program >= 0 && p.started > 0);
    check_number("words", 5, p.args_len);
    check_text("last", value, p.args[4]);
    check_true("has", mig_process_has(&p, OPTION, value));
    check_true("another value", !mig_process_has(&p, OPTION, "x"));
    check_true("another option", !mig_process_has(&p, "x", value));
    check_done("runs", mig_process_check(&p, &err), &err);
    check_done("instance", mig_process_instance(&p, instance, &err), &err);
    check_true("can be one", mig_contract_id_is_valid(instance));

    twin = run(value);
    for (int i = 0; i < 2000 && mig_process_find(OPTION, value, &found, &err); i++) {
        (void)usleep(1000);
    }
    check_contains("two", "more than one process with", err.msg);
    end(twin);
    end(pid);

    check_true("ended", !mig_process_check(&p, &err));
    check_contains("ended", "ended meanwhile", err.msg);
    check_true("gone", !mig_process_open(pid, &p, &err));
}

/* Another that got the number of one that ended. */
CHECK_TEST(a_number_that_another_process_has_got_is_not_the_same_process)
{
    MIG_AUTO(mig_process_clear) struct mig_process p = {.program = -1};
    struct mig_error err;

    check_done("open", mig_process_open(getpid(), &p, &err), &err);
    check_done("we run", mig_process_check(&p, &err), &err);
    p.started--;
    check_true("another", !mig_process_check(&p, &err));
    check_number("another", MIG_MISSING, err.code);
}

/* A process of the kernel, or one that has ended, has no arguments. */
CHECK_TEST(a_process_without_arguments_is_no_vmm)
{
    MIG_AUTO(mig_process_clear) struct mig_process p = {.program = -1};
    struct mig_error err;
    pid_t pid = fork();
    siginfo_t info;

    if (pid == 0) {
        _exit(0);
    }
    check_true("ended", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    check_true("zombie", !mig_process_open(pid, &p, &err));
    check_contains("zombie", "/proc/", err.msg);
    (void)waitpid(pid, NULL, 0);
}

CHECK_MAIN(cmocka_unit_test(a_process_is_found_by_what_it_was_started_with),
           cmocka_unit_test(a_number_that_another_process_has_got_is_not_the_same_process),
           cmocka_unit_test(a_process_without_arguments_is_no_vmm))
