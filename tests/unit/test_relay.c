/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/relay.h"

#include "support/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "support/player.h"

#define MIB (UINT64_C(1) << 20)

/* Between the relay and the one behind an end. */
struct line {
    int in, out;         /* the relay's */
    int far_in, far_out; /* of the one behind */
};

static struct line line_of_socket(void)
{
    int s[2];

    check_true("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
    return (struct line){s[0], s[0], s[1], s[1]};
}

static struct line line_of_pipes(void)
{
    int to[2], from[2];

    check_true("pipe", pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    return (struct line){from[0], to[1], to[0], from[1]};
}

static void line_close(struct line *l, int out)
{
    mig_fd_close(l->in);
    mig_fd_close(l->far_in);
    if (l->out != l->in) {
        mig_fd_close(out);
    }
}

static void note_end(int from, uint64_t bytes, void *data)
{
    char *text = data, more[64];

    (void)snprintf(more, sizeof more, "%d:%llu ", from, (unsigned long long)bytes);
    (void)strncat(text, more, 127 - strlen(text));
}

CHECK_TEST(all_bytes_pass_both_ways_and_each_end_is_told)
{
    static const struct {
        const char *label;
        struct line (*left)(void), (*right)(void);
        uint64_t there, back;
        unsigned pause_us; /* of who reads on the right */
    } cases[] = {
        {"sockets",         line_of_socket, line_of_socket, 48 * MIB, 16,       0  },
        {"much both ways",  line_of_socket, line_of_socket, 16 * MIB, 24 * MIB, 0  },
        {"pipes",           line_of_pipes,  line_of_pipes,  16 * MIB, 3,        0  },
        {"pipes to socket", line_of_pipes,  line_of_socket, 16 * MIB, MIB + 7,  0  },
        {"slow reader",     line_of_socket, line_of_socket, 4 * MIB,  2 * MIB,  300},
        {"nothing at all",  line_of_socket, line_of_pipes,  0,        0,        0  },
        {"one byte",        line_of_pipes,  line_of_socket, 1,        0,        0  },
    };

    CHECK_EACH (c, cases) {
        struct line left = c->left(), right = c->right();
        struct player *players[] = {
            player_sends(left.far_out, 1, c->there), player_receives(right.far_in, 1, c->pause_us),
            player_sends(right.far_out, 2, c->back), player_receives(left.far_in, 2, 0)};
        char ends[128] = "", there[64], back[64];
        struct mig_relay r = {
            .end = {{.name = "left", .in = left.in, .out = left.out},
                    {.name = "right", .in = right.in, .out = right.out}},
            .ended = note_end,
            .data = ends
        };
        struct mig_error err = {0};

        check_done(c->label, mig_relay_run(&r, &err), &err);
        check_number(c->label, c->there, player_end(players[0]));
        check_number(c->label, c->there, player_end(players[1]));
        check_number(c->label, c->back, player_end(players[2]));
        check_number(c->label, c->back, player_end(players[3]));
        check_number(c->label, c->there, r.moved[0]);
        check_number(c->label, c->back, r.moved[1]);
        (void)snprintf(there, sizeof there, "0:%llu ", (unsigned long long)c->there);
        (void)snprintf(back, sizeof back, "1:%llu ", (unsigned long long)c->back);
        check_contains(c->label, there, ends);
        check_contains(c->label, back, ends);
        line_close(&left, r.end[0].out);
        line_close(&right, r.end[1].out);
    }
}

/* A file opened to append can not be spliced to. */
CHECK_TEST(what_can_not_be_spliced_is_copied)
{
    struct line left = line_of_socket();
    char path[] = "/tmp/mig-relay.XXXXXX";
    int file = mkstemp(path), null = open("/dev/null", O_RDONLY | O_CLOEXEC), again;
    struct player *sends = player_sends(left.far_out, 3, 3 * MIB), *receives;
    struct mig_relay r = {
        .end = {{.name = "left", .in = left.in, .out = left.out},
                {.name = "file", .in = null, .out = file}}
    };
    struct mig_error err = {0};

    check_true("append", fcntl(file, F_SETFL, O_APPEND) == 0);
    check_done("run", mig_relay_run(&r, &err), &err);
    check_number("closed", (uint64_t)-1, (uint64_t)r.end[1].out);
    check_number("sent", 3 * MIB, player_end(sends));
    again = open(path, O_RDONLY | O_CLOEXEC);
    receives = player_receives(again, 3, 0);
    check_number("written", 3 * MIB, player_end(receives));
    (void)unlink(path);
    mig_fd_close(again);
    mig_fd_close(null);
    line_close(&left, left.out);
}

CHECK_TEST(bytes_that_were_held_back_go_first)
{
    struct line left = line_of_socket(), right = line_of_pipes();
    static const unsigned char held[] = "held back ";
    struct mig_relay r = {
        .end = {
                {.name = "left", .in = left.in, .out = left.out},
                {.name = "right", .in = right.in, .out = right.out, .first = held, .first_len = 10}}
    };
    struct mig_error err = {0};
    char got[64] = "";

    check_number("write", 4, (uint64_t)write(left.far_out, "rest", 4));
    check_true("end", shutdown(left.far_out, SHUT_WR) == 0);
    mig_fd_close(right.far_out);
    check_done("run", mig_relay_run(&r, &err), &err);
    check_number("read", 14, (uint64_t)read(right.far_in, got, sizeof got));
    check_text("order", "held back rest", got);
    check_number("moved", 4, r.moved[0]);
    line_close(&left, -1);
    line_close(&right, -1);
}

CHECK_TEST(a_direction_that_ended_leaves_the_other_open)
{
    struct line left = line_of_socket(), right = line_of_socket();
    struct player *receives = player_receives(left.far_in, 5, 0), *sends;
    struct mig_relay r = {
        .end = {{.name = "left", .in = left.in, .out = left.out},
                {.name = "right", .in = right.in, .out = right.out}}
    };
    struct mig_error err = {0};
    unsigned char byte;

    /* Left has ended before right begins. */
    check_true("end", shutdown(left.far_out, SHUT_WR) == 0);
    sends = player_sends(right.far_out, 5, MIB);
    check_done("run", mig_relay_run(&r, &err), &err);
    check_number("sent", MIB, player_end(sends));
    check_number("received", MIB, player_end(receives));
    check_number("right was told", 0, (uint64_t)read(right.far_in, &byte, 1));
    line_close(&left, -1);
    line_close(&right, -1);
}

CHECK_TEST(an_error_names_the_side)
{
    static const struct {
        const char *label;
        bool left_gone, data;
        const char *says;
    } cases[] = {
        {"right reads no more",            false, true,  "relay: writing to right: Broken pipe"},
        {"right is gone, nothing to send", false, false, "relay: right reads no more"          },
        {"left reads no more",             true,  true,  "relay: writing to left: Broken pipe" },
    };

    (void)signal(SIGPIPE, SIG_IGN);
    CHECK_EACH (c, cases) {
        struct line left = line_of_pipes(), right = line_of_pipes();
        struct line *gone = c->left_gone ? &left : &right, *other = c->left_gone ? &right : &left;
        struct mig_relay r = {
            .end = {{.name = "left", .in = left.in, .out = left.out},
                    {.name = "right", .in = right.in, .out = right.out}}
        };
        struct mig_error err = {0};

        mig_fd_close(gone->far_in);
        gone->far_in = -1;
        if (c->data) {
            check_number(c->label, 1, (uint64_t)write(other->far_out, "x", 1));
        }
        check_true(c->label, !mig_relay_run(&r, &err));
        check_text(c->label, c->says, err.msg);
        check_number(c->label, MIG_IO, err.code);
        mig_fd_close(left.far_out);
        mig_fd_close(right.far_out);
        line_close(&left, r.end[0].out);
        line_close(&right, r.end[1].out);
    }
}

CHECK_MAIN(cmocka_unit_test(all_bytes_pass_both_ways_and_each_end_is_told),
           cmocka_unit_test(what_can_not_be_spliced_is_copied),
           cmocka_unit_test(bytes_that_were_held_back_go_first),
           cmocka_unit_test(a_direction_that_ended_leaves_the_other_open),
           cmocka_unit_test(an_error_names_the_side))
