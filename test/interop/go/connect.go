package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/net/http2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// connectCaller calls with connect-go, in any of its protocols.
type connectCaller struct {
	client  *http.Client
	address string
	options []connect.ClientOption
	http2   bool
}

var connectOptions = map[string][]connect.ClientOption{
	"connect":       {},
	"connect-json":  {connect.WithProtoJSON()},
	"connect-get":   {connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)},
	"grpc":          {connect.WithGRPC()},
	"grpc-web":      {connect.WithGRPCWeb()},
	"grpc-web-json": {connect.WithGRPCWeb(), connect.WithProtoJSON()},
}

// newConnectCaller takes the name of a wire, such as connect-json, and after a
// slash the version of HTTP.
func newConnectCaller(address, wire string) (caller, error) {
	name, version, _ := strings.Cut(wire, "/")
	options, found := connectOptions[name]
	if !found {
		return nil, fmt.Errorf("no wire %s", wire)
	}
	of := &connectCaller{client: &http.Client{}, address: "http://" + address, options: options, http2: version != "1"}
	if of.http2 {
		of.client.Transport = &http2.Transport{
			AllowHTTP: true,
			DialTLSContext: func(ctx context.Context, network, to string, _ *tls.Config) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, to)
			},
		}
	}
	return of, nil
}

func (of *connectCaller) bidi() bool   { return of.http2 }
func (of *connectCaller) upload() bool { return true }

func (of *connectCaller) connect(c call) *connect.Client[dynamicpb.Message, dynamicpb.Message] {
	options := append([]connect.ClientOption{
		connect.WithSchema(c.method),
		connect.WithResponseInitializer(func(spec connect.Spec, message any) error {
			method, isMethod := spec.Schema.(protoreflect.MethodDescriptor)
			dynamic, isDynamic := message.(*dynamicpb.Message)
			if !isMethod || !isDynamic {
				return fmt.Errorf("no descriptor for %T", message)
			}
			proto.Reset(dynamic)
			*dynamic = *dynamicpb.NewMessage(method.Output())
			return nil
		}),
	}, of.options...)
	if c.gzip {
		options = append(options, connect.WithSendGzip())
	}
	return connect.NewClient[dynamicpb.Message, dynamicpb.Message](of.client, of.address+c.path(), options...)
}

func ask(to http.Header, c call) {
	to.Set("x-case", c.name)
	to.Set("x-question", "why?")
	to.Set("x-question-bin", connect.EncodeBinaryHeader([]byte{0x00, 0xff, 0x10}))
}

func connectHeaders(of http.Header) headers {
	return func(name string) string {
		value := of.Get(name)
		if !strings.HasSuffix(name, "-bin") {
			return value
		}
		decoded, err := connect.DecodeBinaryHeader(value)
		if err != nil {
			return err.Error()
		}
		return string(decoded)
	}
}

func (of *connectCaller) unary(ctx context.Context, c call, request *dynamicpb.Message) (*dynamicpb.Message, headers, headers, error) {
	asked := connect.NewRequest(request)
	ask(asked.Header(), c)
	answer, err := of.connect(c).CallUnary(ctx, asked)
	if err != nil {
		return nil, nil, nil, err
	}
	return answer.Msg, connectHeaders(answer.Header()), connectHeaders(answer.Trailer()), nil
}

func (of *connectCaller) stream(ctx context.Context, c call) (stream, error) {
	client := of.connect(c)
	switch {
	case c.method.IsStreamingClient() && c.method.IsStreamingServer():
		opened := client.CallBidiStream(ctx)
		ask(opened.RequestHeader(), c)
		return &connectChat{opened}, nil
	case c.method.IsStreamingClient():
		opened := client.CallClientStream(ctx)
		ask(opened.RequestHeader(), c)
		return &connectUpload{opened, nil}, nil
	default:
		return &connectDownload{ctx: ctx, client: client, call: c}, nil
	}
}

func (of *connectCaller) failure(err error) failure {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return failure{Code: int(connect.CodeOf(err)), Message: err.Error()}
	}
	messages := []proto.Message{}
	for _, detail := range failed.Details() {
		if value, err := detail.Value(); err == nil {
			messages = append(messages, value)
		}
	}
	return failure{
		Code:    int(failed.Code()),
		Message: failed.Message(),
		Details: details(messages),
		Why:     failed.Meta().Get("x-why"),
	}
}
