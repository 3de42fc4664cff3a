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
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "run" -d 'Start an agent or any program that talks to this gateway'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "list" -d 'Show every model that can be asked for'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "test" -d 'Ask each route for real, and say which ones answer'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "bench" -d 'Measure how fast models are, side by side, and what an answer costs'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "init" -d 'Ask for providers and keys, and write a configuration'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "doctor" -d 'Look for what is wrong with this installation, and say the way out'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "health" -d 'Say whether the gateway answers: for container health checks'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "reload" -d 'Tell a running gateway to read its configuration again'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "explain" -d 'Show which upstreams would be tried for a model, in which order, and why'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "usage" -d 'Show who has used what, and what it cost'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "logs" -d 'Show requests as they ended, one a line'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "why" -d 'Tell all that is known of one request: which way it went, and why'
complete -c llmgw -n "__fish_llmgw_needs_command" -f -a "top" -d 'Watch a running gateway, live on the whole screen, and act on its providers'
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
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s r -l role -d 'Who the model shall be, by its name under `roles` in the configuration; flags count more' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s f -l file -d 'A file for the model to see: text, PNG, JPEG, GIF, WebP or PDF; a pattern, an address, or `-` for stdin. May be given several times' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l temperature -d 'How freely words are chosen' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l max-tokens -d 'Longest answer, in tokens' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l param -d 'A further field of the request; the value is JSON, or else text. May be given several times' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l schema -d 'The shape of the answer, as a JSON Schema; an answer that does not fit it is an error' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l format -d 'How to show the answer' -r -f -a "text\t'The text of the answer'
json\t'The whole `chat.completion` object'
jsonl\t'The `chat.completion.chunk` objects as they arrive, one a line'"
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l session -d 'Keep the conversation under this name, and go on with what is kept there' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l show-session -d 'Show what was said in a session' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l delete-session -d 'Delete a session' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l each -d 'Ask one question a line: a file of texts or of JSON objects with a `prompt`, or `-` for stdin. PROMPT goes before each; a JSON object a line comes back' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l output -d 'Where the answers of `--each` go; a rerun asks only for what is missing [default: stdout]' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l concurrency -d 'How many questions of `--each` are on their way at once' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l url -d 'Ask the gateway that runs there, not this configuration\'s providers [env: LLMGW_URL]' -r -f
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l key -d 'The key to call it with [env: LLMGW_KEY]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s y -l yes -d 'Fetch addresses given with `--file` without asking'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l no-stream -d 'Ask for the whole answer at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s i -l interactive -d 'Talk with the model, after PROMPT if there is one; without PROMPT a terminal gets this anyway'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l continue -d 'Go on with the session that was used last'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l list-sessions -d 'Show which sessions are kept'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l plain -d 'Show answers as the model wrote them: their Markdown is not rendered, which it is only on a terminal with colours'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l no-reasoning -d 'Do not show the model\'s reasoning, which is shown only on a terminal'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s v -l verbose -d 'Tell in a last line on stderr who answered, how fast, with how many tokens and at what cost'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s q -l quiet -d 'Show nothing but the answer, and errors'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -l dry-run -d 'Show who would be asked, and the request, and send nothing'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand chat" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -s m -l model -d 'The model that it shall ask for [default: the agent\'s own, or routing.default_model where that is not offered]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -l url -d 'Use the gateway at this address' -r -f
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -l key -d 'A key of a gateway that runs [default: $LLMGW_API_KEY]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -l private -d 'Have a gateway of its own in any case'
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand run" -s V -l version -d 'Print version'
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
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l repeat -d 'Ask each route so often; medians count, and each failure [default: 1, with a baseline 3]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l baseline -d 'Compare with the speed in this file; slower is a failure. Asks for streams' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l max-ratio -d 'How many times as long as the baseline a route may take [default: 1.5]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l save-baseline -d 'Write the speed of each route to this file, unless something failed. Asks for streams' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l format -d 'How to show the results' -r -f -a "table\t'For people'
json\t'An array of objects'
junit\t'JUnit XML, for CI'
github\t'Commands of GitHub Actions'"
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l junit -d 'Write the results to this file too, as JUnit XML' -r -F
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
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -l capabilities -d 'Also try what each model can do; what is claimed and does not work is a failure'
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand test" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l provider -d 'Only routes to this provider' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l rounds -d 'How often each route has its turn' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l warmup -d 'Rounds before those, which do not count' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l concurrency -d 'Calls at once, all to the route whose turn it is' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l message -d 'What is said [default: a request for a hundred words]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l max-tokens -d 'Longest answer, in tokens' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l timeout -d 'Time limit of each call, such as 30s' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l format -d 'How to show the results' -r -f -a "table\t'For people'
json\t'An array of objects'
yaml\t'A list of mappings'
csv\t'Comma-separated, with a header'
names\t'Just the names, each once'"
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand bench" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -s o -l output -d 'Where to write; - is stdout [default: --config, $LLMGW_CONFIG or ./llmgw.yaml]' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -s y -l yes -d 'Ask nothing: take every key of the environment and a local Ollama, with their defaults'
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -l force -d 'Overwrite the file if it exists'
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand init" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -l timeout -d 'How long each provider may take to answer' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -l format -d 'How to show what was found' -r -f -a "text\t'For people, one a line'
json\t'An array of objects'"
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -l offline -d 'Ask nobody outside of this machine'
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -l url -d 'Where the gateway is [default: from the configuration\'s host, port and scheme]' -r -f
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -l timeout -d 'How long it may take to answer' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -l ready -d 'Ask whether it takes new requests, not only whether it lives'
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand health" -s V -l version -d 'Print version'
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
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -l url -d 'Where the gateway is [default: from the configuration\'s host, port and scheme]' -r -f
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -l key -d 'Its admin key [default: the configuration\'s admin.key]' -r
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'An object, with what the gateway answered'"
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -l once -d 'Print how it is now, and end: for scripts, and where there is no terminal'
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand top" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -f -a "check" -d 'Check the configuration, and report every mistake at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -f -a "show" -d 'Show the effective configuration, with secrets masked'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -f -a "path" -d 'Say which file is used, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -f -a "schema" -d 'Print the JSON Schema of the file'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -f -a "import" -d 'Make a configuration of another gateway\'s file, and say what it leaves out'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and not __fish_seen_subcommand_from check show path schema import help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
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
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -l from -d 'Whose file it is [default: as its content tells]' -r -f -a "llm-proxy\t''
models-yaml\t''
ai-proxy\t''
litellm-routes\t''
settings-py\t''
litellm\t''
one-api\t''
bifrost\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -s o -l output -d 'Where to write, readable for you alone [default: stdout]' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -s c -l config -d 'Use this configuration file' -r -F
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -l log-level -d 'Least severe log line that is written' -r -f -a "error\t'Only what failed for good'
warn\t'And what was mended'
info\t'And what happened'
debug\t'And why'
trace\t'And how'"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -l force -d 'Replace OUT if it is there'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check the configuration, and report every mistake at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the effective configuration, with secrets masked'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Say which file is used, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print the JSON Schema of the file'
complete -c llmgw -n "__fish_llmgw_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "import" -d 'Make a configuration of another gateway\'s file, and say what it leaves out'
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
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "serve" -d 'Run the gateway'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "chat" -d 'Ask a model, and print the answer as it arrives'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "run" -d 'Start an agent or any program that talks to this gateway'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "list" -d 'Show every model that can be asked for'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "test" -d 'Ask each route for real, and say which ones answer'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "bench" -d 'Measure how fast models are, side by side, and what an answer costs'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "init" -d 'Ask for providers and keys, and write a configuration'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "doctor" -d 'Look for what is wrong with this installation, and say the way out'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "health" -d 'Say whether the gateway answers: for container health checks'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "reload" -d 'Tell a running gateway to read its configuration again'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "explain" -d 'Show which upstreams would be tried for a model, in which order, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "usage" -d 'Show who has used what, and what it cost'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "logs" -d 'Show requests as they ended, one a line'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "why" -d 'Tell all that is known of one request: which way it went, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "top" -d 'Watch a running gateway, live on the whole screen, and act on its providers'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "config" -d 'Check and show the configuration'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "completions" -d 'Print a shell\'s completion script'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "man" -d 'Print the manual pages'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and not __fish_seen_subcommand_from serve chat run list test bench init doctor health reload explain usage logs why top config completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check the configuration, and report every mistake at once'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show the effective configuration, with secrets masked'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Say which file is used, and why'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "schema" -d 'Print the JSON Schema of the file'
complete -c llmgw -n "__fish_llmgw_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "import" -d 'Make a configuration of another gateway\'s file, and say what it leaves out'
