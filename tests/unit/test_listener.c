/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/listener.h"

#include "support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

struct hall {
    struct mig_loop *loop;
    char dir[64];
    char *path, *at;
    int guests;
};

static void on_guest(int fd, void *data)
{
    struct hall *h = data;

    h->guests++;
    mig_fd_close(fd);
    mig_loop_stop(h->loop);
}

static void hall_init(struct hall *h)
{
    *h = (struct hall){.loop = mig_loop_new(), .dir = "/tmp/listener-XXXXXX"};
    check_true("folder", mkdtemp(h->dir) != NULL);
    h->path = mig_strf("%s/socket", h->dir);
    h->at = mig_strf("unix:%s", h->path);
}

static void hall_clear(struct hall *h)
{
    mig_loop_free(h->loop);
    (void)unlink(h->path);
    (void)rmdir(h->dir);
    mig_free(h->path);
    mig_free(h->at);
}

static bool open_at(struct hall *h, const char *at, struct mig_listener **ret,
                    struct mig_error *err)
{
    struct mig_address address;

    check_done(at, mig_address_parse(at, &address, err), err);
    return mig_listener_new(h->loop, &address, on_guest, h, ret, err);
}

static struct mig_listener *open_good(struct hall *h, const char *at)
{
    struct mig_listener *l = NULL;
    struct mig_error err;

    check_done(at, open_at(h, at, &l, &err), &err);
    return l;
}

static int visit(const struct hall *h)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(sa.sun_path, h->path, strlen(h->path) + 1);
    check_true("visit", connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0);
    return fd;
}

CHECK_TEST(a_listener_says_where_it_really_listens)
{
    static const struct {
        const char *at, *where;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1:"},
        {"[::1]:0",     "[::1]:"    },
        {"[::]:0",      "[::]:"     },
    };

    CHECK_EACH (c, cases) {
        struct hall h;
        struct mig_listener *l = NULL;
        struct mig_error err;

        hall_init(&h);
        if (open_at(&h, c->at, &l, &err)) {
            check_true(c->at, strncmp(c->where, mig_listener_where(l), strlen(c->where)) == 0);
            check_true(c->at, strcmp(c->at, mig_listener_where(l)) != 0);
        } else {
            check_contains(c->at, "Cannot assign requested address", err.msg); /* no IPv6 here */
        }
        mig_listener_free(l);
        hall_clear(&h);
    }
}

CHECK_TEST(a_unix_socket_is_for_its_group_and_goes_with_its_listener)
{
    struct hall h;
    struct mig_listener *l;
    struct stat st;
    mode_t before = umask(0);

    hall_init(&h);
    l = open_good(&h, h.at);
    check_text("where", h.at, mig_listener_where(l));
    check_true("there", lstat(h.path, &st) == 0 && S_ISSOCK(st.st_mode));
    check_number("mode", 0660, st.st_mode & 07777);
    (void)close(visit(&h));
    check_true("run", mig_loop_run(h.loop));
    check_number("guests", 1, (uint64_t)h.guests);
    mig_listener_free(l);
    check_true("gone", lstat(h.path, &st) != 0);
    hall_clear(&h);
    (void)umask(before);
}

CHECK_TEST(a_stale_socket_is_replaced_and_nothing_else)
{
    struct hall h;
    struct mig_listener *l = NULL, *second = NULL;
    struct mig_error err;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd;

    hall_init(&h);
    memcpy(sa.sun_path, h.path, strlen(h.path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_true("stale", bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0);
    (void)close(fd);
    l = open_good(&h, h.at);

    check_true("taken", !open_at(&h, h.at, &second, &err));
    check_contains("taken", "another program listens there", err.msg);
    check_contains("taken", h.at, err.msg);
    mig_listener_free(l);

    fd = open(h.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(fd);
    check_true("file", !open_at(&h, h.at, &second, &err));
    check_contains("file", "exists and is no socket", err.msg);
    check_true("file is kept", access(h.path, F_OK) == 0);
    hall_clear(&h);
}

CHECK_TEST(a_successor_keeps_its_socket)
{
    struct hall h;
    struct mig_listener *old, *young;

    hall_init(&h);
    old = open_good(&h, h.at);
    check_true("moved away", unlink(h.path) == 0);
    young = open_good(&h, h.at);
    mig_listener_free(old);
    check_true("kept", access(h.path, F_OK) == 0);
    mig_listener_free(young);
    hall_clear(&h);
}

CHECK_TEST(places_that_can_not_be_listened_at_are_named)
{
    static const struct {
        const char *at, *says;
    } cases[] = {
        {"localhost:0",           "to listen needs a numeric address"        },
        {"192.0.2.1:0",           "192.0.2.1:0: listen: Cannot assign"       },
        {"unix:/nonexistent/x/y", "unix:/nonexistent/x/y: bind: No such file"},
    };
    struct hall h;
    struct mig_listener *l = NULL, *second = NULL;
    struct mig_error err;

    hall_init(&h);
    CHECK_EACH (c, cases) {
        check_true(c->at, !open_at(&h, c->at, &l, &err));
        check_contains(c->at, c->says, err.msg);
    }
    l = open_good(&h, "127.0.0.1:0");
    check_true("twice", !open_at(&h, mig_listener_where(l), &second, &err));
    check_contains("twice", "Address already in use", err.msg);
    mig_listener_free(l);
    hall_clear(&h);
}

static void on_pause_over(int fd __attribute__((unused)), void *data)
{
    struct hall *h = data;

    mig_loop_stop(h->loop);
}

CHECK_TEST(a_paused_listener_lets_guests_wait)
{
    struct hall h;
    struct mig_listener *l;
    struct mig_watch *t;
    int fd;

    hall_init(&h);
    l = open_good(&h, h.at);
    mig_listener_pause(l, true);
    mig_listener_pause(l, true);
    fd = visit(&h);
    t = mig_loop_timer(h.loop, 50, on_pause_over, &h);
    check_true("run", mig_loop_run(h.loop));
    check_number("paused", 0, (uint64_t)h.guests);
    mig_listener_pause(l, false);
    check_true("run", mig_loop_run(h.loop));
    check_number("resumed", 1, (uint64_t)h.guests);
    (void)close(fd);
    mig_watch_free(t);
    mig_listener_free(l);
    hall_clear(&h);
}

CHECK_MAIN(cmocka_unit_test(a_listener_says_where_it_really_listens),
           cmocka_unit_test(a_unix_socket_is_for_its_group_and_goes_with_its_listener),
           cmocka_unit_test(a_stale_socket_is_replaced_and_nothing_else),
           cmocka_unit_test(a_successor_keeps_its_socket),
           cmocka_unit_test(places_that_can_not_be_listened_at_are_named),
           cmocka_unit_test(a_paused_listener_lets_guests_wait))
