/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h: the connection between two gates: who the other one is, and what is
 * said before the first byte of a guest.
 */
#pragma once

#include "gate/tunnel.h"
#include "session/gather.h"
#include "session/move.h"
#include "wire/address.h"

/* A connected socket; the caller closes it. */
MIG_MUST_CHECK bool link_dial(const struct mig_address *to, uint64_t timeout_ms, int *ret,
                              struct mig_error *err);

/* Where peers come; "listening on ..." goes to the log. */
struct link_door;
MIG_MUST_CHECK bool link_door_open(const struct mig_address *at, struct link_door **ret,
                                   struct mig_error *err);
/* Wait for the next one, as long as it takes; the caller closes @ret. */
MIG_MUST_CHECK bool link_door_wait(struct link_door *d, int *ret, struct mig_error *err);
void link_door_close(struct link_door *d);
MIG_AUTO_DEFINE(link_door_close, struct link_door *);

/* Is it a place of this host alone: a unix socket or a loopback address? */
bool link_is_local(const struct mig_address *at);
/* An address of @option that has to be one, as what goes there is not encrypted. */
MIG_MUST_CHECK bool link_parse_local(const char *option, const char *text, struct mig_address *ret,
                                     struct mig_error *err);

/* Is the peer the hook of @host?  @pinned, unless "", is the name to expect
 * instead. */
MIG_MUST_CHECK bool link_check_peer(const struct mig_tunnel *t, const char *host,
                                    const char *pinned, struct mig_error *err);

/* Agreement and contract as the body of an OFFER; the caller clears. */
void link_offer_encode(const struct mig_move *m, struct mig_bytes *ret);
MIG_MUST_CHECK bool link_offer_decode(const struct mig_tunnel_frame *f, struct mig_move *ret,
                                      struct mig_error *err);

/* Say yes (@why NULL) or why not. */
MIG_MUST_CHECK bool link_send_verdict(struct mig_tunnel *t, const struct mig_error *why,
                                      struct mig_error *err);
/* False, too, when the peer said no; then @ret_no is true. */
MIG_MUST_CHECK bool link_receive_verdict(struct mig_tunnel *t, uint64_t timeout_ms, bool *ret_no,
                                         struct mig_error *err);
