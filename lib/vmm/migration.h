/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/migration.h: make a QEMU send or take a guest over a descriptor that a
 * gate holds, and know how far it is.
 */
#pragma once

#include "vmm/qmp.h"

enum mig_migration_state {
    MIG_MIGRATION_NONE,    /* none was asked for */
    MIG_MIGRATION_RUNNING, /* being set up, or memory moves */
    MIG_MIGRATION_WAITS,   /* pre-switchover: the guest has stopped, and waits for a word */
    MIG_MIGRATION_DONE,    /* completed */
    MIG_MIGRATION_FAILED,  /* failed or cancelled: the guest goes on where it was */
};

/* Before a guest is sent or taken: return path on, what a gate can not carry
 * refused by name.  The source then stops once more before the guest changes
 * hosts (MIG_MIGRATION_WAITS). */
MIG_MUST_CHECK bool mig_migration_prepare_source(struct mig_qmp *q, bool has_uuid,
                                                 struct mig_error *err);
MIG_MUST_CHECK bool mig_migration_prepare_destination(struct mig_qmp *q, bool has_uuid,
                                                      struct mig_error *err);

/* The same of a source that somebody else has told to migrate: what would have
 * been switched on must be on. */
MIG_MUST_CHECK bool mig_migration_check_source(struct mig_qmp *q, bool has_uuid,
                                               struct mig_error *err);

/* @fd, a socket, stays the caller's, too. */
MIG_MUST_CHECK bool mig_migration_send(struct mig_qmp *q, int fd, struct mig_error *err);
MIG_MUST_CHECK bool mig_migration_take(struct mig_qmp *q, int fd, struct mig_error *err);

/* @ret_why gets QEMU's words on a failure, or ""; 256 bytes. */
MIG_MUST_CHECK bool mig_migration_ask(struct mig_qmp *q, enum mig_migration_state *ret,
                                      char ret_why[256], struct mig_error *err);

/* The word that it waits for, and the other one.  Cancelling what is over is
 * fine. */
MIG_MUST_CHECK bool mig_migration_continue(struct mig_qmp *q, struct mig_error *err);
MIG_MUST_CHECK bool mig_migration_cancel(struct mig_qmp *q, struct mig_error *err);

/* "running", "paused", "inmigrate" ...; the caller frees. */
MIG_MUST_CHECK bool mig_migration_run_state(struct mig_qmp *q, char **ret, struct mig_error *err);
MIG_MUST_CHECK bool mig_migration_resume(struct mig_qmp *q, struct mig_error *err);
MIG_MUST_CHECK bool mig_migration_quit(struct mig_qmp *q, struct mig_error *err);
