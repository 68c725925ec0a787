/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/fleet.h: a throw-away fleet: a folder with an authority and whatever
 * identities a test needs.  Any failure fails the test.
 */
#pragma once

#include <stdint.h>

#include "seal/identity.h"

struct mig_key;
struct mig_trust;

/* The authority's own window: wide enough for any certificate of a test. */
#define FLEET_FROM 0
#define FLEET_TO INT64_C(4102444800) /* 2100-01-01 */

struct fleet {
    char *dir; /* absolute */
    char *ca;  /* DIR/ca-cert.pem */
    char *crl; /* DIR/crl.pem */
};

struct fleet *fleet_new(void);

/* NAME-cert.pem and NAME-key.pem, reachable as NAME, localhost, 127.0.0.1 and
 * ::1.  With @to 0 it is valid from an hour ago until tomorrow. */
void fleet_issue(const struct fleet *f, enum mig_role role, const char *name, int64_t from,
                 int64_t to);
void fleet_revoke(const struct fleet *f, const char *name);

/* Paths in the folder; the caller frees. */
char *fleet_path(const struct fleet *f, const char *file);
char *fleet_cert(const struct fleet *f, const char *name);
char *fleet_key_file(const struct fleet *f, const char *name);

/* Loaded; the caller frees. */
struct mig_key *fleet_key(const struct fleet *f, const char *name);
struct mig_trust *fleet_trust(const struct fleet *f, bool with_crl);

/* Remove the folder with all that is in it. */
void fleet_free(struct fleet *f);
