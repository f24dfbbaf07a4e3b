"""How gunicorn serves the console; its command line overrides each value.

There is no access log: the application's own leaves out the query string, which may carry tokens.
"""

wsgi_app = "shortvideo.wsgi:application"
worker_class = "shortvideo.server.BufferingWorker"
workers = 2
threads = 4
worker_connections = 500  # open connections of one worker, the slow and the idle ones too
graceful_timeout = 5
control_socket_disable = True
