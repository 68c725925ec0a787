/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "seal/identity.h"
#include "wire/dial.h"
#include "wire/listener.h"
#include "wire/loop.h"

#define PATIENCE_MS 20000
#define LENGTH_BYTES 4

struct waiting {
    struct mig_loop *loop;
    int fd;
    struct mig_error err;
};

static void on_dialled(int fd, const struct mig_error *err, void *data)
{
    struct waiting *w = data;

    w->fd = fd;
    if (fd < 0) {
        w->err = *err;
    }
    mig_loop_stop(w->loop);
}

static void on_late(int unused __attribute__((unused)), void *data)
{
    struct waiting *w = data;

    (void)mig_fail(&w->err, MIG_UNREACHABLE, "no connection in time");
    mig_loop_stop(w->loop);
}

/* Until a socket is there, or none is to come. */
static bool wait_for(struct waiting *w, uint64_t timeout_ms, int *ret, struct mig_error *err)
{
    struct mig_watch *late =
        timeout_ms > 0 ? mig_loop_timer(w->loop, timeout_ms, on_late, w) : NULL;
    bool ran = mig_loop_run(w->loop);

    mig_watch_free(late);
    if (w->fd < 0) {
        *err = w->err;
        return ran ? false : mig_fail(err, MIG_INTERNAL, "the event loop broke");
    }
    *ret = w->fd;
    return true;
}

bool link_dial(const struct mig_address *to, uint64_t timeout_ms, int *ret, struct mig_error *err)
{
    struct waiting w = {.loop = mig_loop_new(), .fd = -1};
    struct mig_dial *d = mig_dial_start(w.loop, to, timeout_ms, on_dialled, &w);
    bool good = wait_for(&w, timeout_ms, ret, err);
    char where[MIG_ADDRESS_TEXT];

    mig_dial_free(d);
    mig_loop_free(w.loop);
    mig_address_format(to, where, sizeof where);
    if (good) {
        mig_dial_tune(*ret);
    }
    return good || mig_wrap(err, "%s", where);
}

struct link_door {
    struct waiting w;
    struct mig_listener *listener;
};

/* One after the other: until the next wait the kernel keeps them. */
static void on_peer(int fd, void *data)
{
    struct link_door *d = data;

    mig_listener_pause(d->listener, true);
    d->w.fd = fd;
    mig_loop_stop(d->w.loop);
}

bool link_door_open(const struct mig_address *at, struct link_door **ret, struct mig_error *err)
{
    MIG_AUTO(link_door_close) struct link_door *d = MIG_NEW(struct link_door);

    d->w = (struct waiting){.loop = mig_loop_new(), .fd = -1};
    if (!mig_listener_new(d->w.loop, at, on_peer, d, &d->listener, err)) {
        return mig_wrap(err, "gate");
    }
    mig_log_info("listening on %s", mig_listener_where(d->listener));
    *ret = mig_steal(&d);
    return true;
}

bool link_door_wait(struct link_door *d, int *ret, struct mig_error *err)
{
    d->w.fd = -1;
    mig_listener_pause(d->listener, false);
    if (!wait_for(&d->w, 0, ret, err)) {
        return mig_wrap(err, "gate");
    }
    mig_dial_tune(*ret);
    return true;
}

void link_door_close(struct link_door *d)
{
    if (d == NULL) {
        return;
    }
    mig_listener_free(d->listener);
    mig_loop_free(d->w.loop);
    mig_free(d);
}

bool link_is_local(const struct mig_address *at)
{
    return at->path[0] != '\0' || strcmp(at->host, "127.0.0.1") == 0 ||
           strcmp(at->host, "::1") == 0 || strcmp(at->host, "localhost") == 0;
}

bool link_parse_local(const char *option, const char *text, struct mig_address *ret,
                      struct mig_error *err)
{
    return mig_address_parse(text, ret, err) &&
           (link_is_local(ret) ||
            mig_fail(err, MIG_USAGE, "%s %s: expected unix:/PATH or a loopback address", option,
                     text));
}

bool link_check_peer(const struct mig_tunnel *t, const char *host, const char *pinned,
                     struct mig_error *err)
{
    const struct mig_identity *who = mig_tunnel_peer(t);
    const char *expected = pinned[0] != '\0' ? pinned : host;

    if (who->role != MIG_ROLE_HOOK) {
        return mig_fail(err, MIG_TRUST,
                        "the other gate's certificate is of role '%s', expected "
                        "'hook'",
                        mig_role_name(who->role));
    }
    return strcmp(who->name, expected) == 0 ||
           mig_fail(err, MIG_TRUST,
                    "the other gate's certificate is of hook '%s', expected '%s': a hook is called "
                    "as its host, or is pinned as NAME@ADDRESS",
                    who->name, expected);
}

void link_offer_encode(const struct mig_move *m, struct mig_bytes *ret)
{
    size_t first = m->agreement.len;

    ret->len = LENGTH_BYTES + first + m->contract.len;
    ret->items = mig_alloc(ret->len, 1);
    for (unsigned i = 0; i < LENGTH_BYTES; i++) {
        ret->items[i] = (unsigned char)(first >> (8 * (LENGTH_BYTES - 1 - i)));
    }
    memcpy(ret->items + LENGTH_BYTES, m->agreement.items, first);
    memcpy(ret->items + LENGTH_BYTES + first, m->contract.items, m->contract.len);
}

bool link_offer_decode(const struct mig_tunnel_frame *f, struct mig_move *ret,
                       struct mig_error *err)
{
    size_t first = 0;

    for (size_t i = 0; i < LENGTH_BYTES && i < f->len; i++) {
        first = first << 8 | f->bytes[i];
    }
    if (f->len <= LENGTH_BYTES || first == 0 || first >= f->len - LENGTH_BYTES) {
        return mig_fail(err, MIG_FORMAT, "the other gate's offer is no agreement and contract");
    }
    ret->agreement = mig_bytes_copy(f->bytes + LENGTH_BYTES, first);
    ret->contract = mig_bytes_copy(f->bytes + LENGTH_BYTES + first, f->len - LENGTH_BYTES - first);
    return true;
}

bool link_send_verdict(struct mig_tunnel *t, const struct mig_error *why, struct mig_error *err)
{
    unsigned char body[1 + MIG_TUNNEL_REASON_MAX];
    const struct mig_tunnel_frame f = {MIG_TUNNEL_VERDICT, body,
                                       mig_tunnel_verdict_encode(why, body)};

    return mig_tunnel_send(t, &f, PATIENCE_MS, err);
}

bool link_receive_verdict(struct mig_tunnel *t, uint64_t timeout_ms, bool *ret_no,
                          struct mig_error *err)
{
    struct mig_tunnel_frame f;

    *ret_no = false;
    if (!mig_tunnel_receive(t, MIG_TUNNEL_ONLY(MIG_TUNNEL_VERDICT), timeout_ms, &f, err)) {
        return false;
    }
    *ret_no = !mig_tunnel_verdict_decode(&f, err);
    return !*ret_no;
}
