/* The libzmq context of a process that is no daemon: a command, a tool.
 * daemon_start makes a daemon's own. Opaque, as rpc_channel_options takes it.
 */
#ifndef SERVICES_RUNTIME_ZMQ_CONTEXT_H
#define SERVICES_RUNTIME_ZMQ_CONTEXT_H

/* NULL when the system has no more descriptors. */
void *zmq_context_new(void);
/* Every channel and server on it must be gone. Sets *context to NULL. */
void zmq_context_free(void **context);

#endif
