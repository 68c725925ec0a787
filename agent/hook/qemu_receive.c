/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the waiting QEMU hears of the stream only when its head
 * has been found to be the guest's that was agreed on.  If anything fails
 * after that, the QEMU is told to quit before the other gate is told no, so
 * that no half-open destination stays and the guest can go on at the source.
 */
#include "qemu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/now.h"
#include "hook.h"
#include "vmm/incoming.h"

#define LOAD_MS 30000
#define POLL_NS (5L * 1000 * 1000)

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    GATE_RECEIVE_ROWS(qemu_gate, "qemu"),
    QEMU_ROWS,
};
/* ---- before the first byte ---- */

/* A QMP socket serves one at a time. */
static bool check_cpu(struct qemu_gate *g, struct mig_error *err)
{
    const struct mig_recorder how = {.timeout_ms = QEMU_PATIENCE_MS};
    struct mig_findings list = {0};
    bool good;

    mig_qmp_free(g->monitor);
    g->monitor = NULL;
    good = mig_qemu_check_incoming(&how, g->qmp, g->base.contract, &list, err) &&
           (list.len == 0 || mig_incoming_refuse(&list, err)) &&
           mig_qmp_connect(g->qmp, QEMU_PATIENCE_MS, &g->monitor, err);
    mig_findings_clear(&list);
    return good;
}

static bool check_waiting(struct qemu_gate *g, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *state = NULL;
    unsigned char uuid[MIG_QEMU_UUID];

    mig_qmp_extend(g->monitor, QEMU_PATIENCE_MS);
    if (!mig_migration_run_state(g->monitor, &state, err)) {
        return false;
    }
    if (strcmp(state, "inmigrate") != 0) {
        return mig_fail(err, MIG_REFUSED,
                        "QEMU at %s is '%s', expected one that waits: -incoming defer -S", g->qmp,
                        state);
    }
    return check_cpu(g, err) &&
           mig_migration_prepare_destination(g->monitor, qemu_has_uuid(g, uuid), err);
}

static bool approve(void *data, struct mig_error *err)
{
    struct qemu_gate *g = data;
    bool good = gate_take_offer(&g->base, err) && check_waiting(g, err);

    return gate_answer_offer(&g->base, good, err);
}

/* ---- the stream ---- */

/* The head and what came with its last frame. */
static bool receive_head(struct qemu_gate *g, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;

    while (state == MIG_QEMU_NEEDS_MORE) {
        struct mig_tunnel_frame f;
        size_t used = 0;

        if (!mig_tunnel_receive(g->base.tunnel, MIG_TUNNEL_ONLY(MIG_TUNNEL_DATA), QEMU_HEAD_MS, &f,
                                err)) {
            return false;
        }
        state = mig_qemu_head_feed(h, f.bytes, f.len, &used, err);
        ret->items = mig_resize(ret->items, ret->len + f.len, 1);
        memcpy(ret->items + ret->len, f.bytes, f.len);
        ret->len += f.len;
    }
    return state == MIG_QEMU_DONE && qemu_check_head(g, h, err);
}

/* The second check: is this host still what was agreed on? */
static bool on_frame(struct mig_tunnel *t, const struct mig_tunnel_frame *f, void *data,
                     struct mig_error *err)
{
    struct qemu_gate *g = data;
    unsigned char body[1 + MIG_TUNNEL_REASON_MAX];
    struct mig_tunnel_frame answer = {.kind = MIG_TUNNEL_CHECK, .bytes = body};
    struct mig_error why;
    bool good;

    if (f->kind != MIG_TUNNEL_CHECK || f->len != 0) {
        return mig_fail(err, MIG_FORMAT, "the other gate says %s out of turn",
                        mig_tunnel_kind_name(f->kind));
    }
    good = gate_advance(&g->base, MIG_STEP_SWITCH, NULL, NULL, &why);
    if (!good) {
        mig_log_error("before the guest stopped for good: %s", why.msg);
    }
    answer.len = mig_tunnel_verdict_encode(good ? NULL : &why, body);
    mig_tunnel_queue(t, &answer);
    return true;
}

static bool pump(struct qemu_gate *g, int qemu, const struct mig_bytes *head, struct mig_error *err)
{
    struct mig_tunnel_pump p = {.name = "QEMU",
                                .in = qemu,
                                .out = qemu,
                                .first = head->items,
                                .first_len = head->len,
                                .frame = on_frame,
                                .watch = -1,
                                .data = g};

    if (!mig_tunnel_pump(g->base.tunnel, &p, err)) {
        return err->code == MIG_IO
                   ? mig_wrap(err, "QEMU took the stream no further, its log says why")
                   : false;
    }
    mig_log_info("%llu bytes received, %llu sent", (unsigned long long)p.received,
                 (unsigned long long)p.sent);
    return true;
}

static bool pass(struct qemu_gate *g, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes head = {0};
    MIG_AUTO(mig_fd_close) int ours = -1;
    int pair[2];
    bool good;

    if (!receive_head(g, &head, err)) {
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "socketpair");
    }
    ours = pair[0];
    mig_qmp_extend(g->monitor, QEMU_PATIENCE_MS);
    good = mig_migration_take(g->monitor, pair[1], err);
    mig_fd_close(pair[1]);
    return good && pump(g, ours, &head, err);
}

/* ---- the guest ---- */

/* All bytes are there: QEMU has to make a guest of them. */
static bool wait_loaded(struct qemu_gate *g, struct mig_error *err)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    uint64_t last = mig_now_ms() + LOAD_MS;
    enum mig_migration_state state = MIG_MIGRATION_RUNNING;
    char why[256] = "";

    mig_qmp_extend(g->monitor, LOAD_MS);
    while (state == MIG_MIGRATION_RUNNING || state == MIG_MIGRATION_NONE) {
        if (mig_now_ms() > last) {
            return mig_fail(err, MIG_UNREACHABLE, "QEMU does not come to an end of loading");
        }
        if (!mig_migration_ask(g->monitor, &state, why, err)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return state == MIG_MIGRATION_DONE ||
           mig_fail(err, MIG_REFUSED, "QEMU could not load the guest%s%s",
                    why[0] != '\0' ? ": " : "", why);
}

static bool start(struct qemu_gate *g, struct mig_error *err)
{
    mig_qmp_extend(g->monitor, QEMU_PATIENCE_MS);
    return wait_loaded(g, err) && mig_migration_resume(g->monitor, err);
}

/* No half-open destination, and then word to the source. */
static void give_up(struct qemu_gate *g, const struct mig_error *why)
{
    struct mig_error err;

    mig_qmp_extend(g->monitor, QEMU_PATIENCE_MS);
    if (!mig_migration_quit(g->monitor, &err)) {
        mig_log_info("%s", err.msg); /* it has ended by itself, mostly */
    }
    gate_abandon(&g->base);
    if (!link_send_verdict(g->base.tunnel, why, &err)) {
        mig_log_info("%s", err.msg);
    }
}

/* A check may have cost the connection. */
static bool prepare_again(void *data, struct mig_error *err)
{
    struct qemu_gate *g = data;

    return g->monitor != NULL || mig_qmp_connect(g->qmp, QEMU_PATIENCE_MS, &g->monitor, err);
}

static bool serve(void *gate, const struct mig_words *words __attribute__((unused)),
                  struct mig_error *err)
{
    struct qemu_gate *g = gate;

    if (!gate_await(&g->base, approve, prepare_again, g, err)) {
        return false;
    }
    if (!pass(g, err) || !start(g, err)) {
        give_up(g, err);
        return false;
    }
    return gate_complete(&g->base, err); /* it is here, whatever else goes wrong */
}

static bool has_all(const void *gate)
{
    return ((const struct qemu_gate *)gate)->base.listen != NULL;
}

int qemu_receive(int argc, char **argv)
{
    static const struct gate_form form = {
        .options = {rows, sizeof rows / sizeof *rows},
        .usage = "qemu receive --qmp SOCKET --listen ADDRESS [options]",
        .has_all = has_all,
        .begin = qemu_begin,
        .act = serve,
        .end = qemu_end,
    };
    struct qemu_gate g = {0};

    return gate_run(&form, argc, argv, &g.base);
}
