/* SPDX-License-Identifier: Apache-2.0 */
/* The engine between two processes that speak the protocol, with real sockets. */
#include "gate/chv_proxy.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "compat/finding.h"
#include "gate/chv_compare.h"
#include "pact/contract.h"
#include "support/check.h"
#include "support/chv.h"
#include "support/chv_peer.h"
#include "support/edit.h"
#include "support/guest.h"

#define DEADLINE_MS 20000

struct gate {
    struct mig_chv_proxy *proxy;
    const struct mig_snapshot *shown;
    char to_sender[64], to_receiver[64]; /* paths */
    int listener;
    int fds[MIG_CHV_LANES_MAX][MIG_CHV_SIDE_COUNT];
    unsigned lanes;
    bool finished, handed_over;
    enum mig_chv_outcome outcome;
    char *reason;
};

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    check_true("listen", fd >= 0 &&
                             bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                             listen(fd, 16) == 0);
    return fd;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        mig_fd_close(fd);
        return -1;
    }
    return fd;
}

/* False: the other side is gone, which reading from it tells as well. */
static bool send_all(int to, const void *bytes, size_t len, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    const char *at = bytes;

    while (len > 0) {
        struct iovec io = {(char *)(uintptr_t)at, len};
        struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1};
        ssize_t put;

        if (fd >= 0) {
            message.msg_control = control.bytes;
            message.msg_controllen = sizeof control.bytes;
            *CMSG_FIRSTHDR(&message) = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                                        .cmsg_type = SCM_RIGHTS,
                                                        .cmsg_len = CMSG_LEN(sizeof(int))};
            memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof fd);
        }
        put = sendmsg(to, &message, MSG_NOSIGNAL);
        if (put <= 0) {
            return false;
        }
        at += put;
        len -= (size_t)put;
        fd = -1;
    }
    return true;
}

static void judge(struct gate *g, enum mig_chv_act what)
{
    struct mig_findings findings = {0};
    char *told;

    if (what == MIG_CHV_JUDGE_CONFIG) {
        mig_chv_config_compare(g->shown, mig_chv_proxy_config(g->proxy), &findings);
    } else {
        mig_chv_state_compare(g->shown, mig_chv_proxy_state(g->proxy), &findings);
    }
    told = mig_chv_compare_tell(&findings);
    if (told == NULL) {
        mig_chv_proxy_approve(g->proxy);
    } else {
        check_true("refused", mig_chv_proxy_refuse(g->proxy, told));
    }
    mig_free(told);
    mig_findings_clear(&findings);
}

static void pad(int to, size_t len)
{
    static const char zeros[4096];

    while (len > 0) {
        size_t some = len < sizeof zeros ? len : sizeof zeros;

        if (!send_all(to, zeros, some, -1)) {
            return;
        }
        len -= some;
    }
}

static void perform(struct gate *g, const struct mig_chv_action *a)
{
    int *fd = &g->fds[a->lane][a->side];

    switch (a->act) {
    case MIG_CHV_WRITE:
        (void)(send_all(*fd, a->head, a->head_len, -1) && send_all(*fd, a->bytes, a->len, a->fd));
        mig_fd_close(a->fd);
        break;
    case MIG_CHV_PAD:
        pad(*fd, a->len);
        break;
    case MIG_CHV_CONNECT:
        *fd = connect_to(g->to_receiver);
        break;
    case MIG_CHV_CLOSE:
        mig_fd_close(*fd);
        *fd = -1;
        break;
    case MIG_CHV_JUDGE_CONFIG:
    case MIG_CHV_JUDGE_STATE:
        judge(g, a->act);
        break;
    case MIG_CHV_HANDED_OVER:
        g->handed_over = true;
        break;
    case MIG_CHV_FINISH:
        g->finished = true;
        g->outcome = a->outcome;
        g->reason = mig_strdup(a->reason);
        break;
    }
}

static void drain(struct gate *g)
{
    struct mig_chv_action a;

    while (mig_chv_proxy_next(g->proxy, &a)) {
        perform(g, &a);
    }
}

/* What came, and a descriptor that came with it. */
static ssize_t receive(int from, void *bytes, size_t len, int *ret_fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec io = {bytes, len};
    struct msghdr message = {.msg_iov = &io,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);

    *ret_fd = -1;
    if (got > 0 && message.msg_controllen > 0 && CMSG_FIRSTHDR(&message) != NULL) {
        memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof *ret_fd);
    }
    return got;
}

static void read_lane(struct gate *g, unsigned lane, enum mig_chv_side side)
{
    static unsigned char bytes[10000];
    int fd;
    ssize_t got = receive(g->fds[lane][side], bytes, sizeof bytes, &fd);

    if (got > 0) {
        mig_chv_proxy_take(g->proxy, lane, side, bytes, (size_t)got, fd);
    } else {
        mig_fd_close(g->fds[lane][side]);
        g->fds[lane][side] = -1;
        mig_chv_proxy_end(g->proxy, lane, side);
    }
    drain(g);
}

static void accept_lane(struct gate *g)
{
    int fd = accept4(g->listener, NULL, NULL, SOCK_CLOEXEC);
    unsigned lane = mig_chv_proxy_accept(g->proxy);

    if (lane == MIG_CHV_NO_LANE) {
        mig_fd_close(fd);
        return;
    }
    g->fds[lane][MIG_CHV_SENDER] = fd;
    g->fds[lane][MIG_CHV_RECEIVER] = -1;
    g->lanes = lane + 1;
}

static void turn(struct gate *g)
{
    struct pollfd polls[1 + 2 * 8] = {
        {g->listener, POLLIN, 0}
    };

    for (unsigned i = 0; i < 2 * g->lanes; i++) {
        polls[1 + i] = (struct pollfd){g->fds[i / 2][i % 2], POLLIN, 0};
    }
    check_true("in time", poll(polls, 1 + 2 * g->lanes, DEADLINE_MS) > 0);
    for (unsigned i = 0; i < 2 * g->lanes && !g->finished; i++) {
        if (polls[1 + i].revents != 0 && g->fds[i / 2][i % 2] == polls[1 + i].fd) {
            read_lane(g, i / 2, (enum mig_chv_side)(i % 2));
        }
    }
    if (polls[0].revents != 0) {
        accept_lane(g);
    }
}

static enum chv_end wait_for(pid_t child)
{
    int status;

    check_true("ended", waitpid(child, &status, 0) == child && WIFEXITED(status));
    return (enum chv_end)WEXITSTATUS(status);
}

struct result {
    enum chv_end sender, receiver;
    enum mig_chv_outcome outcome;
    uint64_t memory;
    char *reason;
};

/* One migration from start to end, each side with its own plan. */
static struct result migrate(const struct mig_snapshot *shown, const struct chv_peer *sender,
                             const struct chv_peer *receiver)
{
    char folder[] = "/tmp/chv-gate-XXXXXX";
    struct gate g = {.proxy = mig_chv_proxy_new(), .shown = shown, .lanes = 1};
    struct result r;
    pid_t pids[2];
    int listener;

    check_true("folder", mkdtemp(folder) != NULL);
    (void)snprintf(g.to_sender, sizeof g.to_sender, "%s/gate", folder);
    (void)snprintf(g.to_receiver, sizeof g.to_receiver, "%s/vmm", folder);
    g.listener = listen_at(g.to_sender);
    listener = listen_at(g.to_receiver);
    pids[0] = fork();
    if (pids[0] == 0) {
        (void)alarm(30);
        _exit((int)chv_send(g.to_sender, sender));
    }
    pids[1] = fork();
    if (pids[1] == 0) {
        (void)alarm(30);
        _exit((int)chv_receive(listener, receiver));
    }
    mig_fd_close(listener);
    g.fds[0][MIG_CHV_SENDER] = accept4(g.listener, NULL, NULL, SOCK_CLOEXEC);
    g.fds[0][MIG_CHV_RECEIVER] = connect_to(g.to_receiver);
    while (!g.finished) {
        turn(&g);
    }
    mig_fd_close(g.listener);
    r = (struct result){
        .outcome = g.outcome, .memory = mig_chv_proxy_memory(g.proxy), .reason = g.reason};
    r.sender = wait_for(pids[0]);
    r.receiver = wait_for(pids[1]);
    check_true("handed over", g.handed_over == (g.outcome == MIG_CHV_MOVED));
    mig_chv_proxy_free(g.proxy);
    (void)unlink(g.to_sender);
    (void)unlink(g.to_receiver);
    (void)rmdir(folder);
    return r;
}

struct documents {
    struct mig_contract *guest;
    char *config, *state;
};

static struct documents documents_of(const char *table, const char *vcpus)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = edit_host("intel-icelake-6.1", "-vmx");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *of_table = edit_snapshot(host, table);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *of_vcpus = edit_snapshot(host, vcpus);
    struct documents d = {.guest = guest_of(host)};

    d.config = chv_config(of_table, 2, "");
    d.state = chv_state(of_vcpus, 2, 7);
    return d;
}

static void documents_clear(struct documents *d)
{
    mig_contract_free(d->guest);
    mig_free(d->config);
    mig_free(d->state);
}

CHECK_TEST(guests_arrive_with_all_their_memory)
{
    static const struct {
        const char *label;
        struct chv_peer peer;
    } cases[] = {
        {"precopy",           {.go_after = -1}                  },
        {"a paused guest",    {.paused = true, .go_after = -1}  },
        {"local descriptors", {.local = true, .go_after = -1}   },
        {"two connections",   {.connections = 2, .go_after = -1}},
        {"postcopy",          {.postcopy = true, .go_after = -1}},
    };
    struct documents d = documents_of("", "");

    CHECK_EACH (c, cases) {
        struct chv_peer peer = c->peer;
        struct result r;

        peer.config = d.config;
        peer.state = d.state;
        r = migrate(d.guest->shown, &peer, &peer);
        check_text(c->label, "moved", mig_chv_outcome_name(r.outcome));
        check_text(c->label, "", r.reason);
        check_number(c->label, CHV_DONE, r.sender);
        check_number(c->label, CHV_DONE, r.receiver);
        mig_free(r.reason);
    }
    documents_clear(&d);
}

CHECK_TEST(another_guest_stays_and_its_destination_is_clean)
{
    static const struct {
        const char *label, *table, *vcpus;
        bool local;
        const char *reason;
        bool after_memory;
    } cases[] = {
        {"its host lacks what it was shown",    "-avx2", "",               false,
         "x86/cpuid/7.0/ebx/5 (avx2): contract 0x1, guest 0x0",                                          false},
        {"and memory was to go by descriptor",  "-avx2", "",               true,  "x86/cpuid/7.0/ebx/5", false},
        {"its vCPUs are not what it was shown", "",      "-avx512f",       false,
         "x86/cpuid/7.0/ebx/16 (avx512f)",                                                               true },
        {"nor in an MSR",                       "",      "@x86/msr/10a=0", false, "x86/msr/10a/",        true },
    };

    CHECK_EACH (c, cases) {
        struct documents d = documents_of(c->table, c->vcpus);
        const struct chv_peer peer = {
            .config = d.config, .state = d.state, .local = c->local, .go_after = -1};
        struct result r = migrate(d.guest->shown, &peer, &peer);

        check_text(c->label, "refused", mig_chv_outcome_name(r.outcome));
        check_contains(c->label, c->reason, r.reason);
        check_number(c->label, CHV_ERROR, r.sender);
        check_number(c->label, CHV_ABORTED, r.receiver);
        check_true(c->label, (r.memory > 0) == c->after_memory);
        mig_free(r.reason);
        documents_clear(&d);
    }
}

/* Wherever one of the two goes, at most one of them has the guest. */
static void check_parted(const char *label, const struct result *r)
{
    bool arrived = r->receiver == CHV_DONE;

    if (r->outcome == MIG_CHV_MOVED) {
        check_number(label, CHV_DONE, r->sender);
        check_true(label, arrived);
        return;
    }
    check_true(label, r->receiver == CHV_ABORTED || r->receiver == CHV_GONE ||
                          (arrived && r->outcome == MIG_CHV_UNCERTAIN));
    check_true(label, r->sender == CHV_GONE || r->sender == CHV_ERROR || r->sender == CHV_LOST);
    check_true(label, r->outcome == MIG_CHV_FAILED || r->outcome == MIG_CHV_UNCERTAIN);
}

static void part_everywhere(const char *label, struct chv_peer plan, bool of_sender)
{
    struct documents d = documents_of("", "");
    bool moved = false;

    plan.config = d.config;
    plan.state = d.state;
    for (int after = 0; !moved; after++) {
        struct chv_peer sender = plan, receiver = plan;
        MIG_AUTO(mig_free) char *where = mig_strf("%s after %d", label, after);
        struct result r;

        (of_sender ? &sender : &receiver)->go_after = after;
        r = migrate(d.guest->shown, &sender, &receiver);
        check_parted(where, &r);
        moved = r.outcome == MIG_CHV_MOVED;
        check_true(where, after < 80);
        mig_free(r.reason);
    }
    documents_clear(&d);
}

CHECK_TEST(a_source_that_dies_at_any_message_leaves_a_clean_destination)
{
    part_everywhere("precopy", (struct chv_peer){.go_after = -1}, true);
    part_everywhere("local", (struct chv_peer){.local = true, .go_after = -1}, true);
    part_everywhere("two connections", (struct chv_peer){.connections = 2, .go_after = -1}, true);
}

CHECK_TEST(a_destination_that_dies_at_any_message_leaves_the_guest)
{
    part_everywhere("precopy", (struct chv_peer){.go_after = -1}, false);
    part_everywhere("local", (struct chv_peer){.local = true, .go_after = -1}, false);
}

CHECK_MAIN(cmocka_unit_test(guests_arrive_with_all_their_memory),
           cmocka_unit_test(another_guest_stays_and_its_destination_is_clean),
           cmocka_unit_test(a_source_that_dies_at_any_message_leaves_a_clean_destination),
           cmocka_unit_test(a_destination_that_dies_at_any_message_leaves_the_guest))
