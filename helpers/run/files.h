/*
 * files.h - the protocol of a run: what lies in its folder, and what crosses from one program to the next. Makefiles and
 * scripts spell the same names; `make lint-run` compares them with this table.
 *
 * The folder is CACHE_DIR/.run/<owner>; an owner is <boot id>-<PID namespace>-<pid>-<start time>. A slug is an image's
 * name made safe, a key is <id16> or <id16>-<8 hex of the options>. What is written is there whole, by rename, or is not
 * there. A request is a file of NUL-ended strings.
 *
 * file                     written by                  read by                       holds
 * claim                    with-run, which locks it    the sweep                     machine-id and host; a free lock of this machine is a dead run
 * group                    with-run                    the sweep                     the owner's name of the process group's leader
 * images                   plan-images                 find-machines, run.sh, with-run   slugs, one a line, in the user's order
 * wishes, wishes.err       images.sh                   plan-images                   the images file as a request; what jq said
 * events                   status.c                    history.c                     "BEGAN MILLISECONDS VERB NAME" of each step, by the clock of clock.c
 * engine                   kind.c                      machine.mk, kind.c            docker or podman, and its flag for plain HTTP
 * smolvm, smolvm.log       pack.sh                     with-registry, with-smolvm     what `smolvm --version` says
 * registry, registry.log   with-container              publish-machine, the sweep    "registry MILLISECONDS"; what it printed
 * push.lock                machine.mk                  with-lock                     one push after the other
 * <slug>.env               plan-images                 identify-image, find-machines the wish, a request of K=V
 * <slug>.build .args       plan-images                 image.mk, identify-image      requests: arguments of docker build, their environment
 * <slug>.pack              plan-images                 find-machines                 a request: smolvm's arguments
 * <slug>.out               plan-images                 run.sh                        where the machine is put too
 * <slug>.Smolfile          plan-images                 smolvm                        the bytes that were hashed into the key
 * <slug>.iid .log .seconds docker build, with-deadline identify-image, publish-machine   the image's ID; output; "STAGE MILLISECONDS" lines
 * <slug>.id .engine        identify-image              find-machines, run.sh         config digest; the engine's ID
 * <slug>.inspect .layers   identify-image              with-registry, find-machines  what the engine said of it; how many layers
 * <slug>.pin.tag           plan-images, identify-image the sweep                     a name that keeps the image on the containerd store
 * <slug>.key               find-machines               run.sh, with-run              its key
 * <key>.env .image .pack   find-machines               the second graph              the wish and what is known by now; "ENGINE-ID REPOSITORY DIGEST"; smolvm's arguments
 * <key>.renew              find-machines               machine.mk, pack.sh, run.sh   it is there, and is to be packed all the same
 * <key>.ref .tag           machine.mk, feed-archive, pack-image   machine.mk, publish-machine, the sweep   the reference, which a packer of ours replaces by its own; written down before it is tagged
 * <key>.tagged .pushed .exported .packed   with-deadline   make                      stamps of the second graph
 * <key>.served             with-registry               publish-machine               how it is served: digests of config and manifest
 * <64 hex>.frames          with-registry, pack-image   pack-image                    the layer of that diff_id, in frames (image/frames.h)
 * <key>.outward            pack-image                  publish-machine              a link that leads out of the root
 * <key>.written            pack-image                  publish-machine              "SHA256 SIZE" of the sidecar, and of the launcher, read again as they were written
 * <key>.log .seconds       with-deadline               with-smolvm, publish-machine   as of a slug
 * <key>, <key>.smolmachine .json .work/ .aside   smolvm, publish-machine, find-machines   publish-machine   what is packed, and scratch; what was not whole
 * <slug>.now .bytes, <key>.now .bytes   status.c        show.c                        what is done to the image: BUILD, PACK, ...; how far it is
 * <slug>.failed, <key>.failed   every helper that refuses   with-run, machine.mk     step, exit status, reason (failure.h)
 *
 * variable                 set by                      is
 * the settings             mk/vars.mk                  as the user gave them; CACHE_DIR, DOCKER, SMOLVM and paths absolute from with-run on
 * TOP BIN MAKE WHY         mk/smolmachine.mk           the checkout, its compiled helpers, make itself, its --trace
 * SILENT KEEP_GOING        mk/defs.mk                  make's -s and -k
 * SMOLMAKE_PWD, SMOLMAKE_STANDING   smolmachine.mk, with-run   where make's caller stands
 * WATCHED                  with-run                    screen or lines, where what is done is shown (show.h)
 * RUN                      with-run                    the run's folder, relative to CACHE_DIR
 * LOCKED                   with-lock                   the keys of this batch
 * PACK, PARTS              with-registry               native or smolvm; .parts/<version>-<mark>, what a native pack is made of
 * REGISTRY, ROUTE          with-registry, with-container   <host>:<port>; direct, archive or push
 */
#ifndef FILES_H
#define FILES_H

#include "lib/lib.h"

/* Of the run. */
#define RUN_CLAIM CLAIM_FILE
#define RUN_GROUP "group"
#define RUN_IMAGES "images"
#define RUN_EVENTS "events"
#define RUN_ENGINE "engine"
#define RUN_SMOLVM "smolvm"
#define RUN_REGISTRY "registry"
#define RUN_REGISTRY_LOG "registry.log"

/* Of a slug or a key. */
#define OF_ENV "env"
#define OF_PACK "pack"
#define OF_SECONDS "seconds"
#define OF_FAILED "failed"
#define OF_LOG "log"
#define OF_NOW "now"
#define OF_BYTES "bytes"

/* Of a slug. */
#define OF_BUILD "build"
#define OF_ARGS "args"
#define OF_OUT "out"
#define OF_SMOLFILE "Smolfile"
#define OF_IID "iid"
#define OF_ID "id"
#define OF_ENGINE "engine"
#define OF_INSPECT "inspect"
#define OF_LAYERS "layers"
#define OF_PIN "pin.tag"
#define OF_KEY "key"

/* Of a key. */
#define OF_IMAGE "image"
#define OF_RENEW "renew"
#define OF_PACKED "packed"
#define OF_REF "ref"
#define OF_ASIDE "aside"
#define OF_SERVED "served"
#define OF_OUTWARD "outward"
#define OF_WRITTEN "written"

/* <name>.<kind> in the run's folder, by its absolute path. The caller frees it. */
char *run_file(const char *name, const char *kind);

/* A file of the run itself, by its absolute path. The caller frees it. */
char *run_path(const char *file);

/* Adds the slugs of the run's images, in the user's order, each once; none before they are planned. */
void read_slugs(struct list *slugs);

/* The request <name>.env of the run; without it the program ends. */
void read_settings(const char *name, struct list *out);

#endif
