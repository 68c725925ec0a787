/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/notify.h: tell whoever started us that we serve: a datagram to the
 * service manager's NOTIFY_SOCKET, and a line to a descriptor.
 */
#pragma once

/* @fd 0: none; it is closed.  Trouble is logged and otherwise ignored. */
void mig_notify_ready(int fd);
