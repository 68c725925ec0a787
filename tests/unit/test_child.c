/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"
#include "base/alloc.h"
#include "base/now.h"
#include "wire/loop.h"

#define SOON_MS 200
#define LATE_MS 10000

static const struct mig_child_kind kind = {.name = "capture"};

static bool say(const char *text, struct mig_bytes *ret)
{
    *ret = (struct mig_bytes){(unsigned char *)mig_strdup(text), strlen(text)};
    return true;
}

static bool echo(const void *work, struct mig_bytes *ret,
                 struct mig_error *err __attribute__((unused)))
{
    return say(work, ret);
}

static bool nothing(const void *work __attribute__((unused)), struct mig_bytes *ret,
                    struct mig_error *err __attribute__((unused)))
{
    return say("", ret);
}

static bool fill(const void *work, struct mig_bytes *ret,
                 struct mig_error *err __attribute__((unused)))
{
    size_t len = *(const size_t *)work;

    *ret = (struct mig_bytes){mig_alloc(len + 1, 1), len};
    memset(ret->items, 'x', len);
    return true;
}

static bool give_up(const void *work, struct mig_bytes *ret __attribute__((unused)),
                    struct mig_error *err)
{
    return mig_fail(err, MIG_TRUST, "%s", (const char *)work);
}

static _Noreturn void wait_for_ever(void)
{
    for (;;) {
        (void)pause();
    }
}

static bool hang(const void *work __attribute__((unused)),
                 struct mig_bytes *ret __attribute__((unused)),
                 struct mig_error *err __attribute__((unused)))
{
    wait_for_ever();
}

static bool die(const void *work, struct mig_bytes *ret __attribute__((unused)),
                struct mig_error *err __attribute__((unused)))
{
    (void)kill(getpid(), *(const int *)work);
    return false;
}

static bool leave(const void *work, struct mig_bytes *ret __attribute__((unused)),
                  struct mig_error *err __attribute__((unused)))
{
    _exit(*(const int *)work);
}

/* Half an answer, then death. */
static bool stutter(const void *work __attribute__((unused)),
                    struct mig_bytes *ret __attribute__((unused)),
                    struct mig_error *err __attribute__((unused)))
{
    const uint32_t header[] = {0, 100};

    _exit(write(3, header, sizeof header) == sizeof header ? 7 : 8);
}

/* A process of its own that hangs; its id goes to descriptor @tell. */
static void start_another(int tell)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)close(3);
        wait_for_ever();
    }
    if (write(tell, &pid, sizeof pid) != sizeof pid) {
        _exit(1);
    }
}

static bool breed(const void *work, struct mig_bytes *ret __attribute__((unused)),
                  struct mig_error *err __attribute__((unused)))
{
    start_another(*(const int *)work);
    wait_for_ever();
}

static bool breed_and_answer(const void *work, struct mig_bytes *ret,
                             struct mig_error *err __attribute__((unused)))
{
    start_another(*(const int *)work);
    return say("done", ret);
}

/* Which descriptors a child has, as text. */
static bool list_files(const void *work __attribute__((unused)), struct mig_bytes *ret,
                       struct mig_error *err __attribute__((unused)))
{
    char text[256] = "";

    for (int fd = 0; fd < 256; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", fd);
        }
    }
    return say(text, ret);
}

static void check_no_children(const char *label)
{
    for (int i = 0; i < 2000; i++) {
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) {
            return;
        }
        (void)usleep(1000);
    }
    fail_msg("%s: a child is left", label);
}

struct outcome {
    struct mig_loop *loop;
    unsigned left;
    bool good;
    char text[256];
    size_t len;
    struct mig_error err;
};

static void on_done(const struct mig_bytes *bytes, const struct mig_error *err, void *data)
{
    struct outcome *o = data;

    o->good = bytes != NULL;
    o->err = *err;
    if (bytes != NULL) {
        o->len = bytes->len;
        (void)snprintf(o->text, sizeof o->text, "%.*s", (int)bytes->len,
                       (const char *)bytes->items);
    }
    if (--o->left == 0) {
        mig_loop_stop(o->loop);
    }
}

static struct outcome run_in_loop(mig_child_fn *fn, const void *work, uint64_t timeout_ms)
{
    struct mig_loop *loop = mig_loop_new();
    struct mig_children *children = mig_children_new(loop, &kind);
    struct outcome o = {.loop = loop, .left = 1};
    struct mig_error err;

    check_done("start", mig_child_start(children, fn, work, timeout_ms, on_done, &o, &err), &err);
    check_true("loop", mig_loop_run(loop));
    mig_children_free(children);
    mig_loop_free(loop);
    return o;
}

static struct outcome run_alone(mig_child_fn *fn, const void *work, uint64_t timeout_ms)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct outcome o = {0};

    o.good = mig_child_run(fn, work, timeout_ms, &bytes, &o.err);
    o.len = bytes.len;
    (void)snprintf(o.text, sizeof o.text, "%.*s", (int)bytes.len, (const char *)bytes.items);
    return o;
}

CHECK_TEST(an_answer_or_the_reason_there_is_none_comes_back)
{
    static const int killed = SIGKILL, crashed = SIGABRT, status = 5;
    static const struct {
        const char *label;
        mig_child_fn *fn;
        const void *work;
        uint64_t timeout_ms;
        bool good;
        const char *text;
    } cases[] = {
        {"answer",         echo,    "hello",         LATE_MS, true,  "hello"                                               },
        {"empty answer",   nothing, "",              LATE_MS, true,  ""                                                    },
        {"its own error",  give_up, "no such thing", LATE_MS, false, "no such thing"                                       },
        {"hangs",          hang,    "",              SOON_MS, false, "capture process was killed at its deadline of 200 ms"},
        {"kill -9",        die,     &killed,         LATE_MS, false, "capture process was ended by signal 9 (Killed)"      },
        {"crash",          die,     &crashed,        LATE_MS, false, "capture process was ended by signal 6 (Aborted)"     },
        {"ends early",     leave,   &status,         LATE_MS, false,
         "capture process ended with status 5 and no result"                                                               },
        {"half an answer", stutter, "",              LATE_MS, false,
         "capture process ended with status 7 and no result"                                                               },
    };

    CHECK_EACH (c, cases) {
        struct outcome both[] = {run_alone(c->fn, c->work, c->timeout_ms),
                                 run_in_loop(c->fn, c->work, c->timeout_ms)};

        CHECK_EACH (o, both) {
            check_number(c->label, c->good, o->good);
            check_contains(c->label, c->text, o->good ? o->text : o->err.msg);
        }
        check_no_children(c->label);
    }
}

CHECK_TEST(the_code_of_an_error_survives)
{
    struct outcome o = run_alone(give_up, "x", LATE_MS);

    check_number("code", MIG_TRUST, o.err.code);
}

CHECK_TEST(answers_larger_than_a_pipe_arrive_and_larger_than_the_limit_do_not)
{
    static const struct {
        const char *label;
        size_t len;
        bool good;
    } cases[] = {
        {"one page",        4096,                    true },
        {"a pipe",          65536,                   true },
        {"the limit",       MIG_CHILD_BYTES_MAX,     true },
        {"twice the limit", 2 * MIG_CHILD_BYTES_MAX, false},
    };

    CHECK_EACH (c, cases) {
        struct outcome both[] = {run_alone(fill, &c->len, LATE_MS),
                                 run_in_loop(fill, &c->len, LATE_MS)};

        CHECK_EACH (o, both) {
            check_number(c->label, c->good, o->good);
            check_number(c->label, c->good ? c->len : 0, o->len);
        }
        check_no_children(c->label);
    }
}

CHECK_TEST(a_child_has_nothing_open_but_stdio_and_its_result)
{
    int extra = open("/dev/null", O_RDONLY);
    struct outcome o;

    check_true("extra", dup2(extra, 100) == 100);
    o = run_in_loop(list_files, "", LATE_MS);
    check_text("descriptors", "0 1 2 3 ", o.text);
    (void)close(extra);
    (void)close(100);
}

/* Dead, though perhaps not yet reaped by whoever inherited it. */
static bool is_gone(pid_t pid)
{
    char path[64], state;
    FILE *stat;
    bool gone;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    stat = fopen(path, "r");
    if (stat == NULL) {
        return true;
    }
    gone = fscanf(stat, "%*d %*s %c", &state) != 1 || state == 'Z' || state == 'X';
    (void)fclose(stat);
    return gone;
}

static void on_stop(int fd __attribute__((unused)), void *loop)
{
    mig_loop_stop(loop);
}

/* Runs until the answer, then on until @pid has gone. */
static bool goes_in_loop(mig_child_fn *fn, uint64_t timeout_ms, int tell, int hear)
{
    struct mig_loop *loop = mig_loop_new();
    struct mig_children *children = mig_children_new(loop, &kind);
    struct outcome o = {.loop = loop, .left = 1};
    struct mig_error err;
    pid_t pid = 0;

    check_done("start", mig_child_start(children, fn, &tell, timeout_ms, on_done, &o, &err), &err);
    check_true("loop", mig_loop_run(loop));
    check_true("pid", read(hear, &pid, sizeof pid) == sizeof pid);
    for (int i = 0; i < 2000 && !is_gone(pid); i++) {
        struct mig_watch *timer = mig_loop_timer(loop, 1, on_stop, loop);

        check_true("loop", mig_loop_run(loop));
        mig_watch_free(timer);
    }
    mig_children_free(children);
    mig_loop_free(loop);
    return is_gone(pid);
}

static bool goes_alone(mig_child_fn *fn, uint64_t timeout_ms, int tell, int hear)
{
    pid_t pid = 0;

    (void)run_alone(fn, &tell, timeout_ms);
    check_true("pid", read(hear, &pid, sizeof pid) == sizeof pid);
    for (int i = 0; i < 2000 && !is_gone(pid); i++) {
        (void)usleep(1000);
    }
    return is_gone(pid);
}

CHECK_TEST(what_a_child_started_does_not_outlive_it)
{
    static const struct {
        const char *label;
        mig_child_fn *fn;
        uint64_t timeout_ms;
    } cases[] = {
        {"killed at its deadline", breed,            SOON_MS},
        {"answered and gone",      breed_and_answer, LATE_MS},
    };
    /* The child closes what it inherits, but stdio stays: borrow descriptor 0. */
    int ends[2], before = dup(STDIN_FILENO);

    check_true("pipe", pipe(ends) == 0 && dup2(ends[1], STDIN_FILENO) == STDIN_FILENO);
    CHECK_EACH (c, cases) {
        check_true(c->label, goes_in_loop(c->fn, c->timeout_ms, STDIN_FILENO, ends[0]));
        check_true(c->label, goes_alone(c->fn, c->timeout_ms, STDIN_FILENO, ends[0]));
    }
    check_no_children("all");
    (void)dup2(before, STDIN_FILENO);
    (void)close(before);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

CHECK_TEST(many_children_at_once_each_answer_for_themselves)
{
    static const char *const words[] = {"a", "bb", "ccc", "dddd", "eeeee", "ffffff"};
    struct mig_loop *loop = mig_loop_new();
    struct mig_children *children = mig_children_new(loop, &kind);
    struct outcome outcomes[6];
    struct mig_error err;
    for (size_t i = 0; i < 6; i++) {
        outcomes[i] = (struct outcome){.loop = loop, .left = 1};
        check_done(words[i],
                   mig_child_start(children, echo, words[i], LATE_MS, on_done, &outcomes[i], &err),
                   &err);
    }
    for (size_t i = 0; i < 6; i++) {
        while (outcomes[i].left > 0) {
            check_true("loop", mig_loop_run(loop));
        }
        check_text("answer", words[i], outcomes[i].text);
    }
    mig_children_free(children);
    mig_loop_free(loop);
    check_no_children("all");
}

CHECK_TEST(freeing_kills_who_is_still_at_work)
{
    struct mig_loop *loop = mig_loop_new();
    struct mig_children *children = mig_children_new(loop, &kind);
    struct outcome o = {.loop = loop, .left = 1};
    struct mig_error err;

    check_done("start", mig_child_start(children, hang, "", LATE_MS, on_done, &o, &err), &err);
    mig_children_free(children);
    check_no_children("hanging");
    check_number("callback did not come", 1, o.left);
    mig_loop_free(loop);
}

CHECK_MAIN(cmocka_unit_test(an_answer_or_the_reason_there_is_none_comes_back),
           cmocka_unit_test(the_code_of_an_error_survives),
           cmocka_unit_test(answers_larger_than_a_pipe_arrive_and_larger_than_the_limit_do_not),
           cmocka_unit_test(a_child_has_nothing_open_but_stdio_and_its_result),
           cmocka_unit_test(what_a_child_started_does_not_outlive_it),
           cmocka_unit_test(many_children_at_once_each_answer_for_themselves),
           cmocka_unit_test(freeing_kills_who_is_still_at_work))
