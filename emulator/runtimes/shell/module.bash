# Read by every bash of a job through BASH_ENV: `module` and `ml` are known, and say what they did not do.

module() {
    printf '[%s] module %s: answered by tapis-emulator, nothing was loaded\n' \
        "$(date '+%Y-%m-%dT%H:%M:%S%z')" "$*" >>"${AGAVE_LOG_FILE:-.agave.log}"
    return 0
}

ml() {
    module "$@"
}
