/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/handover.h"

#include "support/check.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

struct pair {
    int a, b;
};

static struct pair pair_open(void)
{
    int s[2];

    check_true("socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == 0);
    return (struct pair){s[0], s[1]};
}

static void pair_close(struct pair p)
{
    mig_fd_close(p.a);
    mig_fd_close(p.b);
}

/* The next descriptor that would be given out: the same before and after shows
 * that none is left open. */
static int lowest_free(void)
{
    int fd = dup(0);

    mig_fd_close(fd);
    return fd;
}

CHECK_TEST(descriptors_arrive_and_work)
{
    struct pair p = pair_open();
    int line[2], fds[2];
    struct mig_handover h;
    struct mig_error err = {0};
    char got[8] = "";

    check_true("pipe", pipe2(line, O_CLOEXEC) == 0);
    fds[0] = line[0];
    fds[1] = line[1];
    check_done("send", mig_handover_send(p.a, fds, 2, "main", 4, &err), &err);
    mig_fd_close(line[0]);
    mig_fd_close(line[1]);
    check_done("receive", mig_handover_receive(p.b, 2, &h, &err), &err);
    check_number("count", 2, h.count);
    check_true("bytes", h.len == 4 && memcmp(h.bytes, "main", 4) == 0);
    check_number("write", 2, (uint64_t)write(h.fds[1], "hi", 2));
    check_number("read", 2, (uint64_t)read(h.fds[0], got, sizeof got));
    check_text("through", "hi", got);
    check_true("close on exec", (fcntl(h.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    mig_fd_close(h.fds[0]);
    mig_fd_close(h.fds[1]);
    pair_close(p);
}

CHECK_TEST(another_number_than_expected_is_refused_and_closed)
{
    static const struct {
        const char *label;
        size_t sent, expected;
        const char *says;
    } cases[] = {
        {"too few",  1, 2, "handing over: 1 descriptors came, expected 2"},
        {"too many", 3, 2, "handing over: 3 descriptors came, expected 2"},
        {"none",     0, 1, "handing over: 0 descriptors came, expected 1"},
    };
    const int fds[] = {0, 0, 0};

    CHECK_EACH (c, cases) {
        struct pair p = pair_open();
        int before = lowest_free();
        struct mig_handover h;
        struct mig_error err = {0};

        if (c->sent > 0) {
            check_done(c->label, mig_handover_send(p.a, fds, c->sent, "x", 1, &err), &err);
        } else {
            check_number(c->label, 1, (uint64_t)write(p.a, "x", 1));
        }
        check_true(c->label, !mig_handover_receive(p.b, c->expected, &h, &err));
        check_text(c->label, c->says, err.msg);
        check_number(c->label, (uint64_t)before, (uint64_t)lowest_free());
        pair_close(p);
    }
}

CHECK_TEST(a_peer_that_went_and_a_message_too_long_are_told)
{
    struct pair p = pair_open();
    static const char large[MIG_HANDOVER_BYTES + 1];
    struct mig_handover h;
    struct mig_error err = {0};

    check_number("write", sizeof large, (uint64_t)write(p.a, large, sizeof large));
    check_true("long", !mig_handover_receive(p.b, 1, &h, &err));
    check_contains("long", "longer than the 4096 bytes expected at most", err.msg);
    mig_fd_close(p.a);
    p.a = -1;
    check_true("gone", !mig_handover_receive(p.b, 1, &h, &err));
    check_text("gone", "handing over: peer closed, expected 1 descriptors", err.msg);
    pair_close(p);
}

CHECK_MAIN(cmocka_unit_test(descriptors_arrive_and_work),
           cmocka_unit_test(another_number_than_expected_is_refused_and_closed),
           cmocka_unit_test(a_peer_that_went_and_a_message_too_long_are_told))
