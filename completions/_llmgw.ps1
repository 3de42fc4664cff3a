
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
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every model that can be asked for')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Ask each route for real, and say which ones answer')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Tell a running gateway to read its configuration again')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Show which upstreams would be tried for a model, in which order, and why')
            [CompletionResult]::new('usage', 'usage', [CompletionResultType]::ParameterValue, 'Show who has used what, and what it cost')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show requests as they ended, one a line')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Tell all that is known of one request: which way it went, and why')
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
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'How freely words are chosen')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Longest answer, in tokens')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'A further field of the request; the value is JSON, or else text. May be given several times')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show the answer')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--no-stream', '--no-stream', [CompletionResultType]::ParameterName, 'Ask for the whole answer at once')
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
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to show the results')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Least severe log line that is written')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Ask for streams, and measure the time until the first token')
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
        'llmgw;config;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration, and report every mistake at once')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective configuration, with secrets masked')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Say which file is used, and why')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the file')
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
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every model that can be asked for')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Ask each route for real, and say which ones answer')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Tell a running gateway to read its configuration again')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Show which upstreams would be tried for a model, in which order, and why')
            [CompletionResult]::new('usage', 'usage', [CompletionResultType]::ParameterValue, 'Show who has used what, and what it cost')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show requests as they ended, one a line')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Tell all that is known of one request: which way it went, and why')
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
        'llmgw;help;list' {
            break
        }
        'llmgw;help;test' {
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
        'llmgw;help;config' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration, and report every mistake at once')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective configuration, with secrets masked')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Say which file is used, and why')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the file')
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
