package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// reporter makes the calls of a report, the same on every wire.
type reporter struct {
	caller
	service protoreflect.ServiceDescriptor
}

func report(ctx context.Context, of caller, service protoreflect.ServiceDescriptor) (map[string]any, error) {
	r := &reporter{of, service}
	steps := map[string]func(context.Context) (any, error){
		"unary":      r.reportUnary,
		"many":       r.reportMany,
		"collected":  r.reportCollected,
		"chat":       r.reportChat,
		"zipped":     r.reportZipped,
		"failure":    r.reportFailure,
		"broken":     r.reportBroken,
		"slow":       r.reportSlow,
		"slowStream": r.reportSlowStream,
		"canceled":   r.reportCanceled,
		"unknown":    r.reportUnknown,
	}
	result := map[string]any{}
	for name, step := range steps {
		if name == "chat" && !of.bidi() || name == "collected" && !of.upload() {
			continue
		}
		told, err := step(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		result[name] = told
	}
	return result, nil
}

func (r *reporter) call(method protoreflect.Name, name string) call {
	return call{method: r.service.Methods().ByName(method), name: name}
}

// once makes a unary call with a request given as JSON.
func (r *reporter) once(ctx context.Context, c call, request string) (*dynamicpb.Message, headers, headers, error) {
	asked, err := message(c.method.Input(), request)
	if err != nil {
		return nil, nil, nil, err
	}
	return r.unary(ctx, c, asked)
}

// open opens a stream and sends requests given as JSON.
func (r *reporter) open(ctx context.Context, c call, requests ...string) (stream, error) {
	opened, err := r.stream(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, request := range requests {
		if err := r.say(opened, c, request); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

func (r *reporter) say(to stream, c call, request string) error {
	asked, err := message(c.method.Input(), request)
	if err != nil {
		return err
	}
	return to.send(asked)
}

// rest reads a stream to its end, and returns the error there.
func rest(of stream) ([]map[string]any, error) {
	messages := []map[string]any{}
	for {
		received, err := of.receive()
		if err != nil {
			return messages, err
		}
		told, err := fields(received)
		if err != nil {
			return messages, err
		}
		messages = append(messages, told)
	}
}

func (r *reporter) reportUnary(ctx context.Context) (any, error) {
	answer, header, trailer, err := r.once(ctx, r.call("Greet", "unary"), `{"name":"Ada"}`)
	if err != nil {
		return nil, err
	}
	told, err := fields(answer)
	if err != nil {
		return nil, err
	}
	told["answer"] = header("x-answer")
	told["binary"] = fmt.Sprintf("%x", header("x-answer-bin"))
	told["last"] = trailer("x-last")
	return told, nil
}

func (r *reporter) reportMany(ctx context.Context) (any, error) {
	opened, err := r.open(ctx, r.call("GreetMany", "many"), `{"name":"Ada","count":3}`)
	if err != nil {
		return nil, err
	}
	if err := opened.closeSend(); err != nil {
		return nil, err
	}
	messages, err := rest(opened)
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return map[string]any{
		"messages": messages,
		"answer":   opened.header()("x-answer"),
		"last":     opened.trailer()("x-last"),
	}, nil
}

func (r *reporter) reportCollected(ctx context.Context) (any, error) {
	opened, err := r.open(ctx, r.call("Collect", "collected"), `{"name":"Ada"}`, `{"name":"Grace"}`)
	if err != nil {
		return nil, err
	}
	if err := opened.closeSend(); err != nil {
		return nil, err
	}
	answer, err := opened.receive()
	if err != nil {
		return nil, err
	}
	return fields(answer)
}

func (r *reporter) reportChat(ctx context.Context) (any, error) {
	c := r.call("Chat", "chat")
	opened, err := r.open(ctx, c)
	if err != nil {
		return nil, err
	}
	greetings := []any{}
	for _, name := range []string{"Ada", "Grace"} {
		if err := r.say(opened, c, fmt.Sprintf(`{"name":%q}`, name)); err != nil {
			return nil, err
		}
		answer, err := opened.receive()
		if err != nil {
			return nil, err
		}
		told, err := fields(answer)
		if err != nil {
			return nil, err
		}
		greetings = append(greetings, told["message"])
	}
	if err := opened.closeSend(); err != nil {
		return nil, err
	}
	if _, err := opened.receive(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("no end, but %w", err)
	}
	return greetings, nil
}

func (r *reporter) reportZipped(ctx context.Context) (any, error) {
	c := r.call("Greet", "zipped")
	c.gzip = true
	answer, _, _, err := r.once(ctx, c, fmt.Sprintf(`{"name":%q}`, strings.Repeat("Ada ", 1_000)))
	if err != nil {
		return nil, err
	}
	told, err := fields(answer)
	return map[string]any{"message": told["message"]}, err
}

func (r *reporter) reportFailure(ctx context.Context) (any, error) {
	_, _, _, err := r.once(ctx, r.call("Greet", "failure"), `{}`)
	return r.failure(err), nil
}

func (r *reporter) reportBroken(ctx context.Context) (any, error) {
	opened, err := r.open(ctx, r.call("GreetMany", "broken"), `{"count":3}`)
	if err != nil {
		return nil, err
	}
	messages, err := rest(opened)
	return struct {
		failure
		Messages int `json:"messages"`
	}{r.failure(err), len(messages)}, nil
}

func (r *reporter) reportSlow(ctx context.Context) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	_, _, _, err := r.once(ctx, r.call("Greet", "slow"), `{}`)
	return map[string]any{"code": r.failure(err).Code}, nil
}

func (r *reporter) reportSlowStream(ctx context.Context) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	opened, err := r.open(ctx, r.call("GreetMany", "slowStream"), `{"count":2,"pause":"30s"}`)
	if err != nil {
		return nil, err
	}
	messages, err := rest(opened)
	return map[string]any{"code": r.failure(err).Code, "messages": len(messages)}, nil
}

func (r *reporter) reportCanceled(ctx context.Context) (any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opened, err := r.open(ctx, r.call("GreetMany", "canceled"), `{"count":2,"pause":"30s"}`)
	if err != nil {
		return nil, err
	}
	if _, err := opened.receive(); err != nil {
		return nil, err
	}
	cancel()
	messages, err := rest(opened)
	return map[string]any{"code": r.failure(err).Code, "messages": 1 + len(messages)}, nil
}

func (r *reporter) reportUnknown(ctx context.Context) (any, error) {
	known := r.call("Greet", "unknown")
	known.method = renamed{known.method}
	_, _, _, err := r.once(ctx, known, `{}`)
	return map[string]any{"code": r.failure(err).Code}, nil
}

// renamed is a method that the server does not have.
type renamed struct {
	protoreflect.MethodDescriptor
}

func (renamed) Name() protoreflect.Name { return "Nope" }
