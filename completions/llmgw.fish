# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_llmgw_global_optspecs
    string join \n c/config= log-level= color= h/help V/version
end

function __fish_llmgw_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_llmgw_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_llmgw_using_subcommand
    set -l cmd (__fish_llmgw_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c llmgw -n "__fish_llmgw_needs_command" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_needs_command" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_needs_command" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_needs_command" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "serve" -d 'Run the gateway'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "chat" -d 'Ask a model, and print the answer as it arrives'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "list" -d 'Show every model that can be asked for'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "test" -d 'Ask each route for real, and say which ones answer'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "reload" -d 'Tell a running gateway to read its configuration again'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "explain" -d 'Show which upstreams would be tried for a model, in which order, and why'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "usage" -d 'Show who has used what, and what it cost'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "logs" -d 'Show requests as they ended, one a line'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "why" -d 'Tell all that is known of one request: which way it went, and why'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "config" -d 'Check and show the configuration'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "completions" -d 'Print a shell\'s completion script'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "man" -d 'Print the manual pages'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l host -d 'Address or name to listen on, instead of server.host' -r -f -a "(__fish_print_hostnames)"
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l port -d 'Port to listen on, instead of server.port; 0 lets the system choose' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l workers -d 'Threads, instead of server.workers; 0: one per core' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l no-watch -d 'Do not reload when the configuration file changes'
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -l insecure -d 'Allow a host that others can reach although no keys are configured'
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand serve" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s m -l model -d 'The model to ask, as `llmgw list` names it [default: routing.default_model]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s s -l system -d 'The system prompt: who the model shall be' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l temperature -d 'How freely words are chosen' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l max-tokens -d 'Longest answer, in tokens' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l param -d 'A further field of the request; the value is JSON, or else text. May be given several times' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l format -d 'How to show the answer' -r -f -a "text\t'The text of the answer'
json\t'The whole `chat.completion` object'
jsonl\t'The `chat.completion.chunk` objects as they arrive, one a line'"
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l no-stream -d 'Ask for the whole answer at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -l provider -d 'Only routes to this provider' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -l format -d 'How to show them' -r -f -a "table\t'For people'
json\t'An array of objects'
yaml\t'A list of mappings'
csv\t'Comma-separated, with a header'
names\t'Just the names, each once'"
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -l discover -d 'Ask providers that list no models in the configuration for theirs'
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -l presets -d 'Show the presets that a provider can be made from, instead of models'
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand list" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l provider -d 'Only routes to this provider' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l message -d 'What is said [default: 你好]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l timeout -d 'Time limit of each call, such as 30s' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l concurrency -d 'Calls at once' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l format -d 'How to show the results' -r -f -a "table\t'For people'
json\t'An array of objects'
junit\t'JUnit XML, for CI'"
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l stream -d 'Ask for streams, and measure the time until the first token'
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -l url -d 'Where the gateway is [default: from the configuration\'s host, port and scheme]' -r -f
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -l key -d 'Its admin key [default: the configuration\'s admin.key]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -l check -d 'Change nothing: check the local file, and ask the gateway what a reload of its own would change'
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand reload" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -l url -d 'Ask a running gateway, and show how its upstreams stand [without URL: from the configuration\'s host, port and scheme]' -r -f
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -l key -d 'The gateway\'s admin key [default: the configuration\'s admin.key]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -l format -d 'How to show the plan' -r -f -a "table\t'For people'
json\t'An object'"
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand explain" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l by -d 'What to add up for' -r -f -a "model\t'The name that was asked for'
provider\t'The provider that was asked'
upstream\t'PROVIDER/MODEL that was asked'
key\t'The caller\'s key, by its name'
day\t'The day, in the time of this machine'"
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l since -d 'Since when: an age (30m, 24h, 7d), a day (2026-11-28) or a time ("2026-11-28 09:30")' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l until -d 'Until when, likewise' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l model -d 'Only this model, by the name that was asked for' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l provider -d 'Only what this provider answered' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l key -d 'Only what this key asked, by its name' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l format -d 'How to show them' -r -f -a "table\t'For people'
json\t'An array of objects'
yaml\t'A list of mappings'
csv\t'Comma-separated, with a header'
names\t'Just the names, each once'"
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l set-aside -d 'Rename a database that cannot be used, so that a new one begins; asks before it does'
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -l set-aside-unasked -d 'As --set-aside, without asking'
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand usage" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l since -d 'Since when: an age (30m, 24h, 7d), a day (2026-11-28) or a time ("2026-11-28 09:30")' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l until -d 'Until when, likewise' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l model -d 'Only this model, by the name that was asked for' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l provider -d 'Only what this provider answered' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l key -d 'Only what this key asked, by its name' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -s n -l lines -d 'How many, of the newest' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l outcome -d 'Only those that ended so' -r -f -a "ok\t''
bad_request\t''
denied\t''
client_gone\t''
given_back\t''
upstream_error\t''
upstream_timeout\t''
unavailable\t''
cut_off\t''
internal\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l format -d 'How to show them' -r -f -a "text\t'For people'
json\t'An object a line, with all that is known'"
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -s f -l follow -d 'Go on with those that follow'
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -l failed -d 'Only those whose client got less than it asked for'
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand logs" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -l format -d 'How to show it' -r -f -a "text\t'For people'
json\t'An object a line, with all that is known'"
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -l failed -d 'The last one that failed'
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand why" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -f -a "check" -d 'Check the configuration, and report every mistake at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -f -a "show" -d 'Show the effective configuration, with secrets masked'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -f -a "path" -d 'Say which file is used, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -f -a "schema" -d 'Print the JSON Schema of the file'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from check" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from check" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from show" -l format -d 'How to show it' -r -f -a "yaml\t'As in the file'
json\t'An object'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from show" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from show" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from path" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from path" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from path" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from schema" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from schema" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from schema" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from schema" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check the configuration, and report every mistake at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the effective configuration, with secrets masked'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Say which file is used, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print the JSON Schema of the file'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c llmgw -n "__fish_llmgw_using_subcommand completions" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand completions" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand completions" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand completions" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand man" -l dir -d 'Write one file a page into this directory instead' -r -f -a "(__fish_complete_directories)"
complete -c llmgw -n "__fish_llmgw_using_subcommand man" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand man" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand man" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand man" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "serve" -d 'Run the gateway'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "chat" -d 'Ask a model, and print the answer as it arrives'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "list" -d 'Show every model that can be asked for'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "test" -d 'Ask each route for real, and say which ones answer'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "reload" -d 'Tell a running gateway to read its configuration again'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "explain" -d 'Show which upstreams would be tried for a model, in which order, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "usage" -d 'Show who has used what, and what it cost'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "logs" -d 'Show requests as they ended, one a line'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "why" -d 'Tell all that is known of one request: which way it went, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "config" -d 'Check and show the configuration'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "completions" -d 'Print a shell\'s completion script'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "man" -d 'Print the manual pages'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat list test reload explain usage logs why config completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check the configuration, and report every mistake at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show the effective configuration, with secrets masked'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Say which file is used, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "schema" -d 'Print the JSON Schema of the file'
