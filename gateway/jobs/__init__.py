"""Jobs from the gateway's side: sent, waited for, followed, ended."""
