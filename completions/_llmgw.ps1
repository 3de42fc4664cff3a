
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'llmgw' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'llmgw'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'llmgw' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the gateway')
            [CompletionResult]::new('chat', 'chat', [CompletionResultType]::ParameterValue, 'Ask a model, and print the answer as it arrives')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Start an agent or any program that talks to this gateway')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every model that can be asked for')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Ask each route for real, and say which ones answer')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure how fast models are, side by side, and what an answer costs')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Ask for providers and keys, and write a configuration')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Look for what is wrong with this installation, and say the way out')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Say whether the gateway answers: for container health checks')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Tell a running gateway to read its configuration again')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Show which upstreams would be tried for a model, in which order, and why')
            [CompletionResult]::new('usage', 'usage', [CompletionResultType]::ParameterValue, 'Show who has used what, and what it cost')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show requests as they ended, one a line')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Tell all that is known of one request: which way it went, and why')
            [CompletionResult]::new('top', 'top', [CompletionResultType]::ParameterValue, 'Watch a running gateway, live on the whole screen, and act on its providers')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Check and show the configuration')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell''s completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual pages')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'llmgw;serve' {
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Address or name to listen on, instead of server.host')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port to listen on, instead of server.port; 0 lets the system choose')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Threads, instead of server.workers; 0: one per core')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--no-watch', '--no-watch', [CompletionResultType]::ParameterName, 'Do not reload when the configuration file changes')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Allow a host that others can reach although no keys are configured')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;chat' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The model to ask, as `llmgw list` names it [default: routing.default_model]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model to ask, as `llmgw list` names it [default: routing.default_model]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The system prompt: who the model shall be')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'The system prompt: who the model shall be')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Who the model shall be, by its name under `roles` in the configuration; flags count more')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Who the model shall be, by its name under `roles` in the configuration; flags count more')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file for the model to see: text, PNG, JPEG, GIF, WebP or PDF; a pattern, an address, or `-` for stdin. May be given several times')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'A file for the model to see: text, PNG, JPEG, GIF, WebP or PDF; a pattern, an address, or `-` for stdin. May be given several times')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'How freely words are chosen')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Longest answer, in tokens')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'A further field of the request; the value is JSON, or else text. May be given several times')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'The shape of the answer, as a JSON Schema; an answer that does not fit it is an error')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show the answer')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the conversation under this name, and go on with what is kept there')
            [CompletionResult]::new('--show-session', '--show-session', [CompletionResultType]::ParameterName, 'Show what was said in a session')
            [CompletionResult]::new('--delete-session', '--delete-session', [CompletionResultType]::ParameterName, 'Delete a session')
            [CompletionResult]::new('--each', '--each', [CompletionResultType]::ParameterName, 'Ask one question a line: a file of texts or of JSON objects with a `prompt`, or `-` for stdin. PROMPT goes before each; a JSON object a line comes back')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the answers of `--each` go; a rerun asks only for what is missing [default: stdout]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'How many questions of `--each` are on their way at once')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Ask the gateway that runs there, not this configuration''s providers [env: LLMGW_URL]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key to call it with [env: LLMGW_KEY]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Fetch addresses given with `--file` without asking')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Fetch addresses given with `--file` without asking')
            [CompletionResult]::new('--no-stream', '--no-stream', [CompletionResultType]::ParameterName, 'Ask for the whole answer at once')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Talk with the model, after PROMPT if there is one; without PROMPT a terminal gets this anyway')
            [CompletionResult]::new('--interactive', '--interactive', [CompletionResultType]::ParameterName, 'Talk with the model, after PROMPT if there is one; without PROMPT a terminal gets this anyway')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Go on with the session that was used last')
            [CompletionResult]::new('--list-sessions', '--list-sessions', [CompletionResultType]::ParameterName, 'Show which sessions are kept')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Show answers as the model wrote them: their Markdown is not rendered, which it is only on a terminal with colours')
            [CompletionResult]::new('--no-reasoning', '--no-reasoning', [CompletionResultType]::ParameterName, 'Do not show the model''s reasoning, which is shown only on a terminal')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell in a last line on stderr who answered, how fast, with how many tokens and at what cost')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell in a last line on stderr who answered, how fast, with how many tokens and at what cost')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Show nothing but the answer, and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Show nothing but the answer, and errors')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show who would be asked, and the request, and send nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;run' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The model that it shall ask for [default: the agent''s own, or routing.default_model where that is not offered]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model that it shall ask for [default: the agent''s own, or routing.default_model where that is not offered]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Use the gateway at this address')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'A key of a gateway that runs [default: $LLMGW_API_KEY]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--private', '--private', [CompletionResultType]::ParameterName, 'Have a gateway of its own in any case')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;list' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only routes to this provider')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show them')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--discover', '--discover', [CompletionResultType]::ParameterName, 'Ask providers that list no models in the configuration for theirs')
            [CompletionResult]::new('--presets', '--presets', [CompletionResultType]::ParameterName, 'Show the presets that a provider can be made from, instead of models')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;test' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only routes to this provider')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'What is said [default: 你好]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of each call, such as 30s')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Calls at once')
            [CompletionResult]::new('--repeat', '--repeat', [CompletionResultType]::ParameterName, 'Ask each route so often; medians count, and each failure [default: 1, with a baseline 3]')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Compare with the speed in this file; slower is a failure. Asks for streams')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'How many times as long as the baseline a route may take [default: 1.5]')
            [CompletionResult]::new('--save-baseline', '--save-baseline', [CompletionResultType]::ParameterName, 'Write the speed of each route to this file, unless something failed. Asks for streams')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show the results')
            [CompletionResult]::new('--junit', '--junit', [CompletionResultType]::ParameterName, 'Write the results to this file too, as JUnit XML')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Ask for streams, and measure the time until the first token')
            [CompletionResult]::new('--capabilities', '--capabilities', [CompletionResultType]::ParameterName, 'Also try what each model can do; what is claimed and does not work is a failure')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;bench' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only routes to this provider')
            [CompletionResult]::new('--rounds', '--rounds', [CompletionResultType]::ParameterName, 'How often each route has its turn')
            [CompletionResult]::new('--warmup', '--warmup', [CompletionResultType]::ParameterName, 'Rounds before those, which do not count')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Calls at once, all to the route whose turn it is')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'What is said [default: a request for a hundred words]')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Longest answer, in tokens')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of each call, such as 30s')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show the results')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;init' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write; - is stdout [default: --config, $LLMGW_CONFIG or ./llmgw.yaml]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write; - is stdout [default: --config, $LLMGW_CONFIG or ./llmgw.yaml]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Ask nothing: take every key of the environment and a local Ollama, with their defaults')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Ask nothing: take every key of the environment and a local Ollama, with their defaults')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Overwrite the file if it exists')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;doctor' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long each provider may take to answer')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show what was found')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Ask nobody outside of this machine')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;health' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Where the gateway is [default: from the configuration''s host, port and scheme]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long it may take to answer')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--ready', '--ready', [CompletionResultType]::ParameterName, 'Ask whether it takes new requests, not only whether it lives')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;reload' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Where the gateway is [default: from the configuration''s host, port and scheme]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its admin key [default: the configuration''s admin.key]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Change nothing: check the local file, and ask the gateway what a reload of its own would change')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;explain' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Ask a running gateway, and show how its upstreams stand [without URL: from the configuration''s host, port and scheme]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The gateway''s admin key [default: the configuration''s admin.key]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show the plan')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;usage' {
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'What to add up for')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Since when: an age (30m, 24h, 7d), a day (2026-11-28) or a time ("2026-11-28 09:30")')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Until when, likewise')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Only this model, by the name that was asked for')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only what this provider answered')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Only what this key asked, by its name')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show them')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--set-aside', '--set-aside', [CompletionResultType]::ParameterName, 'Rename a database that cannot be used, so that a new one begins; asks before it does')
            [CompletionResult]::new('--set-aside-unasked', '--set-aside-unasked', [CompletionResultType]::ParameterName, 'As --set-aside, without asking')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;logs' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Since when: an age (30m, 24h, 7d), a day (2026-11-28) or a time ("2026-11-28 09:30")')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Until when, likewise')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Only this model, by the name that was asked for')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only what this provider answered')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Only what this key asked, by its name')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'How many, of the newest')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'How many, of the newest')
            [CompletionResult]::new('--outcome', '--outcome', [CompletionResultType]::ParameterName, 'Only those that ended so')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show them')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Go on with those that follow')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on with those that follow')
            [CompletionResult]::new('--failed', '--failed', [CompletionResultType]::ParameterName, 'Only those whose client got less than it asked for')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;why' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show it')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--failed', '--failed', [CompletionResultType]::ParameterName, 'The last one that failed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;top' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Where the gateway is [default: from the configuration''s host, port and scheme]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its admin key [default: the configuration''s admin.key]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Print how it is now, and end: for scripts, and where there is no terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;config' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration, and report every mistake at once')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective configuration, with secrets masked')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Say which file is used, and why')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the file')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Make a configuration of another gateway''s file, and say what it leaves out')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'llmgw;config;check' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;config;show' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show it')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;config;path' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;config;schema' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;config;import' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Whose file it is [default: as its content tells]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write, readable for you alone [default: stdout]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write, readable for you alone [default: stdout]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace OUT if it is there')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;config;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration, and report every mistake at once')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective configuration, with secrets masked')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Say which file is used, and why')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the file')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Make a configuration of another gateway''s file, and say what it leaves out')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'llmgw;config;help;check' {
            break
        }
        'llmgw;config;help;show' {
            break
        }
        'llmgw;config;help;path' {
            break
        }
        'llmgw;config;help;schema' {
            break
        }
        'llmgw;config;help;import' {
            break
        }
        'llmgw;config;help;help' {
            break
        }
        'llmgw;completions' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Write one file a page into this directory instead')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'llmgw;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the gateway')
            [CompletionResult]::new('chat', 'chat', [CompletionResultType]::ParameterValue, 'Ask a model, and print the answer as it arrives')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Start an agent or any program that talks to this gateway')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every model that can be asked for')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Ask each route for real, and say which ones answer')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure how fast models are, side by side, and what an answer costs')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Ask for providers and keys, and write a configuration')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Look for what is wrong with this installation, and say the way out')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Say whether the gateway answers: for container health checks')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Tell a running gateway to read its configuration again')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Show which upstreams would be tried for a model, in which order, and why')
            [CompletionResult]::new('usage', 'usage', [CompletionResultType]::ParameterValue, 'Show who has used what, and what it cost')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show requests as they ended, one a line')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Tell all that is known of one request: which way it went, and why')
            [CompletionResult]::new('top', 'top', [CompletionResultType]::ParameterValue, 'Watch a running gateway, live on the whole screen, and act on its providers')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Check and show the configuration')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell''s completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual pages')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'llmgw;help;serve' {
            break
        }
        'llmgw;help;chat' {
            break
        }
        'llmgw;help;run' {
            break
        }
        'llmgw;help;list' {
            break
        }
        'llmgw;help;test' {
            break
        }
        'llmgw;help;bench' {
            break
        }
        'llmgw;help;init' {
            break
        }
        'llmgw;help;doctor' {
            break
        }
        'llmgw;help;health' {
            break
        }
        'llmgw;help;reload' {
            break
        }
        'llmgw;help;explain' {
            break
        }
        'llmgw;help;usage' {
            break
        }
        'llmgw;help;logs' {
            break
        }
        'llmgw;help;why' {
            break
        }
        'llmgw;help;top' {
            break
        }
        'llmgw;help;config' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration, and report every mistake at once')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective configuration, with secrets masked')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Say which file is used, and why')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the file')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Make a configuration of another gateway''s file, and say what it leaves out')
            break
        }
        'llmgw;help;config;check' {
            break
        }
        'llmgw;help;config;show' {
            break
        }
        'llmgw;help;config;path' {
            break
        }
        'llmgw;help;config;schema' {
            break
        }
        'llmgw;help;config;import' {
            break
        }
        'llmgw;help;completions' {
            break
        }
        'llmgw;help;man' {
            break
        }
        'llmgw;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
