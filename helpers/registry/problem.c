/* problem.c - the errors of a registry. An engine shows the message to its user, behind the code. */
#include <microhttpd.h>

#include "registry/problem.h"

const struct problem no_page = {MHD_HTTP_NOT_FOUND, "UNSUPPORTED",
				"unknown endpoint; this registry has manifests, blobs and tags"};
const struct problem no_name = {MHD_HTTP_NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry"};
const struct problem no_manifest = {MHD_HTTP_NOT_FOUND, "MANIFEST_UNKNOWN",
				    "manifest unknown to this repository"};
const struct problem no_blob = {MHD_HTTP_NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to this repository"};
const struct problem no_method = {MHD_HTTP_METHOD_NOT_ALLOWED, "UNSUPPORTED", "this registry is read-only"};
const struct problem no_push = {MHD_HTTP_METHOD_NOT_ALLOWED, "UNSUPPORTED", "method not allowed here"};
const struct problem no_room = {MHD_HTTP_SERVICE_UNAVAILABLE, "TOOMANYREQUESTS", "too many clients at once"};
const struct problem no_range = {MHD_HTTP_RANGE_NOT_SATISFIABLE, "RANGE_INVALID", "range not satisfiable"};

const struct problem no_upload = {MHD_HTTP_NOT_FOUND, "BLOB_UPLOAD_UNKNOWN",
				  "blob upload unknown to this repository"};
const struct problem busy_upload = {MHD_HTTP_CONFLICT, "BLOB_UPLOAD_INVALID",
				    "another request writes to this upload"};
const struct problem bad_upload = {MHD_HTTP_BAD_REQUEST, "BLOB_UPLOAD_INVALID",
				   "upload is not a valid layer or config"};
const struct problem bad_digest = {MHD_HTTP_BAD_REQUEST, "DIGEST_INVALID",
				   "provided digest did not match uploaded content"};
const struct problem bad_range = {MHD_HTTP_RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID",
				  "Content-Range does not begin where the last chunk ended"};
const struct problem bad_size = {MHD_HTTP_BAD_REQUEST, "SIZE_INVALID", "length does not match Content-Range"};
const struct problem too_large = {MHD_HTTP_CONTENT_TOO_LARGE, "SIZE_INVALID", "manifest is too large"};
const struct problem bad_manifest = {MHD_HTTP_BAD_REQUEST, "MANIFEST_INVALID", "manifest invalid"};
const struct problem blob_missing = {MHD_HTTP_BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN",
				     "manifest references a blob unknown to this registry"};
const struct problem not_wanted = {MHD_HTTP_FORBIDDEN, "DENIED",
				   "only the images that are being packed are accepted"};
/* A status of 5xx would be tried again. */
const struct problem no_space = {MHD_HTTP_FORBIDDEN, "DENIED", "no space left for this blob"};
const struct problem no_slot = {MHD_HTTP_TOO_MANY_REQUESTS, "TOOMANYREQUESTS", "too many uploads at once"};
