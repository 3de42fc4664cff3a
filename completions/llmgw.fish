complete --keep-order --exclusive --command llmgw --arguments "(LLMGW_COMPLETE=fish llmgw -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
